"""The daemon's whole REST API as typed calls."""

import ipaddress
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
import msgspec

from golem_vpn.errors import Conflict
from golem_vpn.sdk import models
from golem_vpn.sdk.connection import Connection, path_of
from golem_vpn.sdk.hub import Hub
from golem_vpn.sdk.payment import Payments

NET = "/net-api/v1/net"
ACTIVITY = "/activity-api/v1/activity"
DAEMON = "/golem-vpn/v1"
FILES = f"{DAEMON}/files"
FREE_HOST_SEARCH = 65_536
LONG_SECONDS = 86_400.0
"""How long a file may take, by default."""
UPLOAD_CHUNK = 1 << 20


class Client(Connection):
    """A daemon, as one application key sees it; to be used as an asynchronous context manager."""

    @property
    def payment(self) -> Payments:
        """The calls about accounts, allocations, invoices and payments."""
        return Payments(self)

    async def me(self) -> models.Caller:
        """Tells whose application key this is."""
        return await self.ask(models.Caller, "GET", "/me")

    async def net_status(self) -> models.NetStatus:
        """Tells how the daemon takes part in Golem Net."""
        return await self.ask(models.NetStatus, "GET", "/net-api/v2/net/status")

    async def status(self) -> dict[str, Any]:
        """Tells what the data plane counts, its devices, and the offloads in use."""
        return await self.ask(dict[str, Any], "GET", f"{DAEMON}/status")

    async def networks(self) -> list[models.Network]:
        """Lists the caller's networks."""
        return await self.ask(list[models.Network], "GET", NET)

    async def create_network(self, ip: str, *, mask: str | None = None, gateway: str | None = None) -> models.Network:
        """Makes a network; `ip` is its range, such as 192.168.0.0/24."""
        return await self.ask(models.Network, "POST", NET, {"ip": ip, "mask": mask, "gateway": gateway})

    async def network(self, network_id: str) -> models.Network:
        """Shows a network."""
        return await self.ask(models.Network, "GET", path_of(NET, network_id))

    async def remove_network(self, network_id: str) -> None:
        """Removes a network; its members are cut off."""
        await self.ask(type(None), "DELETE", path_of(NET, network_id))

    async def addresses(self, network_id: str) -> list[models.Address]:
        """Lists the caller's own addresses in a network."""
        return await self.ask(list[models.Address], "GET", path_of(NET, network_id, "addresses"))

    async def add_address(self, network_id: str, ip: str) -> None:
        """Gives the caller an address in a network."""
        await self.ask(type(None), "POST", path_of(NET, network_id, "addresses"), {"ip": ip})

    async def network_nodes(self, network_id: str) -> list[models.NetworkNode]:
        """Lists the nodes of a network."""
        return await self.ask(list[models.NetworkNode], "GET", path_of(NET, network_id, "nodes"))

    async def add_node(self, network_id: str, node_id: str, ip: str | None = None) -> models.NetworkNode:
        """Gives a node an address in a network: the first free one where none is named."""
        if ip is None:
            return await self._add_node_anywhere(network_id, node_id)
        node = models.NetworkNode(node_id, ip)
        await self.ask(type(None), "POST", path_of(NET, network_id, "nodes"), node)
        return node

    async def remove_node(self, network_id: str, node_id: str) -> None:
        """Takes a node out of a network; it is cut off."""
        await self.ask(type(None), "DELETE", path_of(NET, network_id, "nodes", node_id))

    async def connections(self, network_id: str) -> list[models.Connection]:
        """Lists the open connections from the daemon into a network."""
        return await self.ask(list[models.Connection], "GET", path_of(NET, network_id, "tcp"))

    async def files(self) -> list[models.OfferedFile]:
        """Lists the files that are published, and those that are awaited."""
        return await self.ask(list[models.OfferedFile], "GET", FILES)

    async def publish_files(self, paths: Sequence[Path]) -> list[models.OfferedFile]:
        """Makes files of the daemon's machine fetchable; the paths are absolute."""
        return await self.ask(list[models.OfferedFile], "POST", f"{FILES}/publish", {"files": list(map(str, paths))})

    async def receive_file(self, path: Path) -> models.OfferedFile:
        """Makes a URL under which a file may be handed over, to be put at an absolute path."""
        return await self.ask(models.OfferedFile, "POST", f"{FILES}/receive", {"outputFile": str(path)})

    async def close_files(self, urls: Sequence[str]) -> list[str]:
        """Takes URLs back, and tells `ok` or `error` of each."""
        return await self.ask(list[str], "POST", f"{FILES}/close", {"urls": list(urls)})

    async def upload_file(self, path: Path, url: str, timeout: float = LONG_SECONDS) -> None:
        """Hands a file of the daemon's machine over."""
        body = models.OfferedFile(str(path), url)
        await self.ask(type(None), "POST", f"{FILES}/upload", body, timeout=timeout)

    async def download_file(self, url: str, path: Path, timeout: float = LONG_SECONDS) -> None:
        """Fetches a file to the daemon's machine."""
        body = models.OfferedFile(str(path), url)
        await self.ask(type(None), "POST", f"{FILES}/download", body, timeout=timeout)

    async def app_keys(self) -> list[models.AppKey]:
        """Lists the application keys."""
        return await self.ask(list[models.AppKey], "GET", f"{DAEMON}/app-keys")

    async def create_app_key(
        self, name: str, *, identity: str | None = None, allow_origins: Sequence[str] = ()
    ) -> models.AppKey:
        """Makes an application key; its secret is in the answer, and nowhere later."""
        body = {"name": name, "identity": identity, "allowOrigins": list(allow_origins)}
        return await self.ask(models.AppKey, "POST", f"{DAEMON}/app-keys", body)

    async def remove_app_key(self, name: str) -> None:
        """Makes an application key invalid at once."""
        await self.ask(type(None), "DELETE", path_of(DAEMON, "app-keys", name))

    async def identities(self) -> list[models.Identity]:
        """Lists the identities of the daemon."""
        return await self.ask(list[models.Identity], "GET", f"{DAEMON}/identities")

    async def create_identity(self, name: str) -> models.Identity:
        """Makes an identity of the daemon."""
        return await self.ask(models.Identity, "POST", f"{DAEMON}/identities", {"name": name})

    async def nodes(self) -> list[models.Node]:
        """Lists the nodes of the joined hubs."""
        return await self.ask(list[models.Node], "GET", f"{DAEMON}/nodes")

    async def peers(self) -> list[models.Peer]:
        """Lists the nodes that share a network with the daemon."""
        return await self.ask(list[models.Peer], "GET", f"{DAEMON}/peers")

    async def relays(self) -> list[models.Relay]:
        """Lists the relays of the joined hubs."""
        return await self.ask(list[models.Relay], "GET", f"{DAEMON}/relays")

    @property
    def hub(self) -> Hub:
        """The calls about hubs: joining, leaving, and who may be in the daemon's own."""
        return Hub(self)

    async def create_ticket(self) -> str:
        """Makes a ticket, by which other daemons can join this one's hub."""
        return (await self.hub.create_ticket()).ticket or ""

    async def join(self, ticket: str) -> None:
        """Has the daemon join the hub that a ticket is from."""
        await self.hub.join(ticket)

    async def provider_status(self) -> models.ProviderStatus:
        """Tells how the daemon does as a provider."""
        return await self.ask(models.ProviderStatus, "GET", f"{DAEMON}/provider/status")

    async def provider_presets(self) -> list[models.PresetInfo]:
        """Lists the kinds of offers that the daemon makes."""
        return await self.ask(list[models.PresetInfo], "GET", f"{DAEMON}/provider/presets")

    async def pause_provider(self) -> None:
        """Has the daemon withdraw its offers; agreements in force go on."""
        await self.ask(type(None), "POST", f"{DAEMON}/provider/pause")

    async def resume_provider(self) -> None:
        """Has the daemon publish offers again."""
        await self.ask(type(None), "POST", f"{DAEMON}/provider/resume")

    async def attachments(self) -> list[models.Attachment]:
        """Lists the interfaces of the daemon's machine in networks."""
        return await self.ask(list[models.Attachment], "GET", f"{DAEMON}/attachments")

    async def attach(self, network_id: str, interface: str = "vpn0", *, timeout: float = 0.0) -> models.Attachment:
        """Makes the daemon's machine a member of a network; waits some seconds to hear that the daemon's node is."""
        body = {"networkId": network_id, "interface": interface}
        return await self.ask(models.Attachment, "POST", f"{DAEMON}/attachments", body, timeout=timeout)

    async def detach(self, network_id: str) -> None:
        """Removes the interface of the daemon's machine in a network."""
        await self.ask(type(None), "DELETE", path_of(DAEMON, "attachments", network_id))

    async def agreements(self) -> list[models.Agreement]:
        """Lists the caller's agreements."""
        return await self.ask(list[models.Agreement], "GET", f"{DAEMON}/agreements")

    async def agreement(self, agreement_id: str) -> models.Agreement:
        """Shows an agreement."""
        return await self.ask(models.Agreement, "GET", path_of(DAEMON, "agreements", agreement_id))

    async def hire(self, provider_id: str, demand_properties: Mapping[str, Any] | None = None) -> models.Agreement:
        """Gets an agreement with a provider, without any market."""
        wanted = {"providerId": provider_id, "demandProperties": dict(demand_properties or {})}
        return await self.ask(models.Agreement, "POST", f"{DAEMON}/agreements", wanted)

    async def terminate_agreement(self, agreement_id: str) -> None:
        """Ends an agreement, and the activities under it."""
        await self.ask(type(None), "DELETE", path_of(DAEMON, "agreements", agreement_id))

    async def images(self) -> list[models.Image]:
        """Lists the images of the daemon's registry."""
        return await self.ask(list[models.Image], "GET", f"{DAEMON}/images")

    async def add_image(self, file: Path, *, tag: str | None = None) -> models.Image:
        """Puts an image into the daemon's registry: a squashfs file, or a tar archive of a root file system."""
        query = {} if tag is None else {"tag": tag}
        return await self.upload(models.Image, f"{DAEMON}/images", _chunks(file), **query)

    async def remove_image(self, reference: str) -> models.Image:
        """Removes a tag and, when it was the last one or a digest was given, the image."""
        path = f"{DAEMON}/images/{quote(reference, safe='/:')}"
        return await self.ask(models.Image, "DELETE", path)

    async def create_activity(self, agreement_id: str) -> str:
        """Makes an activity under an agreement, and gives its id."""
        return await self.ask(str, "POST", ACTIVITY, agreement_id)

    async def execute(self, activity_id: str, commands: Sequence[object]) -> str:
        """Hands a batch of commands to an activity, and gives the batch's id."""
        body = {"text": msgspec.json.encode(commands).decode()}
        return await self.ask(str, "POST", path_of(ACTIVITY, activity_id, "exec"), body)

    async def results(self, activity_id: str, batch_id: str, *, timeout: float = 5.0) -> list[models.CommandResult]:
        """Gives all results of a batch so far, once there is a new one or the time is over."""
        path = path_of(ACTIVITY, activity_id, "exec", batch_id)
        return await self.ask(list[models.CommandResult], "GET", path, timeout=timeout)

    async def activity_state(self, activity_id: str) -> models.ActivityState:
        """Tells where an activity stands."""
        return await self.ask(models.ActivityState, "GET", path_of(ACTIVITY, activity_id, "state"))

    async def activity_usage(self, activity_id: str) -> models.Usage:
        """Tells what an activity has used."""
        return await self.ask(models.Usage, "GET", path_of(ACTIVITY, activity_id, "usage"))

    async def activity_agreement(self, activity_id: str) -> str:
        """Tells under which agreement an activity is."""
        return await self.ask(str, "GET", path_of(ACTIVITY, activity_id, "agreement"))

    async def destroy_activity(self, activity_id: str) -> None:
        """Ends an activity."""
        await self.ask(type(None), "DELETE", path_of(ACTIVITY, activity_id))

    async def _add_node_anywhere(self, network_id: str, node_id: str) -> models.NetworkNode:
        network = ipaddress.ip_interface((await self.network(network_id)).ip).network
        own = await self.addresses(network_id)
        taken = {ipaddress.ip_interface(address.ip).ip for address in own}
        taken |= {ipaddress.ip_address(node.ip) for node in await self.network_nodes(network_id)}
        for host in islice(network.hosts(), FREE_HOST_SEARCH):
            if host not in taken:
                try:
                    return await self.add_node(network_id, node_id, str(host))
                except Conflict:
                    # Someone else was faster; the next one may be free.
                    continue
        raise Conflict(f"The network {network} has no free address")


async def _chunks(file: Path) -> AsyncIterator[bytes]:
    async with await anyio.open_file(file, "rb") as content:
        while chunk := await content.read(UPLOAD_CHUNK):
            yield chunk
