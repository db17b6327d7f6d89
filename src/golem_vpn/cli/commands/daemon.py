"""`golem-vpn daemon`."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import App, Group, Parameter, validators

from golem_vpn.cli.net_options import OwnRelay, Packets, Reach, check_public_addresses
from golem_vpn.cli.options import PLAIN, Place, check_api_address, check_listen_address
from golem_vpn.config import Address, Config

MAX_NAME = 64
SUBNET = re.compile(r"[\w.-]{1,64}", re.ASCII)


def register(app: App, group: Group) -> None:
    """Adds the command."""
    app.command(daemon, group=group)


def _check_name(_type: object, text: str | None) -> None:
    if text is not None and not 1 <= len(text) <= MAX_NAME:
        raise ValueError(f"a name has 1 to {MAX_NAME} characters")


def _check_subnet(_type: object, text: str) -> None:
    if not SUBNET.fullmatch(text):
        raise ValueError("a subnet has 1 to 64 letters, digits, dots, dashes and underscores")


Name = Annotated[str | None, Parameter(validator=_check_name)]


def daemon(
    *,
    api: Annotated[str, Parameter(validator=check_api_address)] = "127.0.0.1:7465",
    listen: Annotated[str, Parameter(validator=check_listen_address)] = "0.0.0.0:11500",
    public_address: Annotated[tuple[str, ...], PLAIN, Parameter(validator=check_public_addresses)] = (),
    hub: Annotated[bool, PLAIN] = False,
    provider: Annotated[bool, PLAIN] = False,
    subnet: Annotated[str, Parameter(validator=_check_subnet)] = "public",
    name: Name = None,
    allow_origin: Annotated[tuple[str, ...], PLAIN] = (),
    allow_local_urls: Annotated[bool, PLAIN] = False,
    image_cache: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 20,
    user_space_gate: Annotated[bool, PLAIN] = False,
    own_relay: OwnRelay = OwnRelay(),
    reach: Reach = Reach(),
    packets: Packets = Packets(),
    place: Place = Place(),
) -> None:
    """Run a node in the foreground, until Ctrl-C or SIGTERM.

    It logs to stderr, and prints `ready` on stdout when it serves.

    Args:
        api: Where the REST API and the gate listen, HOST:PORT.
        listen: Where other nodes reach this one, HOST:PORT: control messages at that UDP port, packets at the next
            one; port 0 takes any free ones.
        public_address: Where --listen is reached from outside, HOST:PORT, where a router forwards that port and the
            next one to this machine. Repeat for several.
        hub: Let other nodes join through this one (`golem-vpn ticket` prints what they need).
        provider: Run payloads for the requestors of the joined hubs.
        subnet: The part of the market that a provider offers to; applications name it by `YAGNA_SUBNET`.
        name: What other nodes see beside the node id, up to 64 characters; the machine's name by default.
        allow_origin: A web origin that browsers may call the API from; repeat for several, `*` for any.
        image_cache: How many GiB of the disk a provider keeps unpacked images in; no image may be larger.
        allow_local_urls: Let requestors have this provider fetch files from this machine and its network by HTTP; it
            fetches from public addresses only otherwise.
        user_space_gate: Use TCP/IP in user space for the gate also where it could use the kernel's: without a process
            and namespaces of its own, but slower on long and lossy paths.
    """
    public = tuple(map(Address.parse, public_address))
    listening = Address.parse(listen)
    relay = own_relay.configuration(hub, listening, public)
    run_daemon(place, name, lambda data_dir, name: Config(
        data_dir=data_dir,
        name=name,
        api=Address.parse(api),
        listen=listening,
        public_addresses=public,
        hub=hub,
        relay=relay,
        relayed_only=reach.relayed_only,
        packets=packets.configuration(),
        port_mapping=reach.port_mapping and not reach.relayed_only,
        provider=provider,
        subnet=subnet,
        allow_origins=allow_origin,
        allow_local_urls=allow_local_urls,
        image_cache_bytes=image_cache << 30,
        user_space_gate=user_space_gate,
    ))  # fmt: skip


def run_daemon(place: Place, name: str | None, configure: Callable[[Path, str], Config]) -> None:
    """Runs a daemon that is configured with its data folder and its name."""
    import socket

    from golem_vpn.lasting import lasting

    with lasting():
        from golem_vpn.daemon import run

    config = configure(place.data_dir.absolute(), name or socket.gethostname()[:MAX_NAME])
    run(config, on_ready=lambda: print("ready", flush=True))  # noqa: T201
