"""How a payload's interface becomes a member of its networks.

What counts is the network's document, signed by its owner, not what a `deploy` says of it: the document must be the
agreement's requestor's own, and must have this node at the address that the payload asks for.
"""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Protocol

from golem_vpn.errors import Conflict, Forbidden, Gone, InvalidInput
from golem_vpn.exeunit.runtimes.base import NetworkAddress, TunDevice
from golem_vpn.net.dataplane import Attachment
from golem_vpn.net.document import NetworkDocument


class Networks(Protocol):
    """Connects interfaces of payloads with the networks of requestors."""

    async def join(self, requestor: str, device: TunDevice, addresses: Sequence[NetworkAddress]) -> int:
        """Lets a device send and receive at these addresses, and gives its handle.

        Raises:
            Forbidden: a network is not owned by the requestor.
            InvalidInput: a network does not have this node at that address.
            Conflict: another payload of this node has that address.
            Gone: a network was removed.
            PeerUnreachable: the owner of a network cannot be asked about it.
        """
        ...

    def leave(self, device: int) -> None:
        """Takes a device out of all its networks."""
        ...


class Documents(Protocol):
    """Where the documents of networks come from."""

    async def fetch(self, network_id: str, from_node: str) -> NetworkDocument:
        """Gives the owner's newest document, verified."""
        ...


class Devices(Protocol):
    """What takes the interfaces of payloads."""

    def add_tun(self, fd: int, name: str, attachments: Sequence[Attachment], mtu: int) -> int:
        """Carries the packets of an interface from now on."""
        ...

    def remove_device(self, device: int) -> None:
        """Carries no more."""
        ...


class MemberNetworks(Networks):
    """Joins networks as their documents allow, each address for one payload at a time."""

    def __init__(self, node_id: str, documents: Documents, devices: Devices) -> None:
        self._node_id = node_id
        self._documents = documents
        self._devices = devices
        self._joined: dict[int, frozenset[NetworkAddress]] = {}

    async def join(self, requestor: str, device: TunDevice, addresses: Sequence[NetworkAddress]) -> int:
        """Checks each network's newest document, and hands the device to the data plane."""
        for network_id in dict.fromkeys(address.network_id for address in addresses):
            document = await self._fetch(network_id, requestor)
            if document.owner != requestor:
                raise Forbidden(f"network {network_id} is not owned by {requestor}, whom the agreement is with")
            for address in addresses:
                if address.network_id == network_id:
                    self._check(address, document)
        taken = frozenset(addresses) & frozenset().union(*self._joined.values())
        if taken:
            raise Conflict(f"another payload of this provider has {', '.join(_written(taken))}")
        handle = self._devices.add_tun(device.fd, device.name, _attachments(addresses), device.mtu)
        self._joined[handle] = frozenset(addresses)
        return handle

    def leave(self, device: int) -> None:
        """Takes a device out of the data plane, and frees its addresses."""
        del self._joined[device]
        self._devices.remove_device(device)

    async def _fetch(self, network_id: str, requestor: str) -> NetworkDocument:
        try:
            return await self._documents.fetch(network_id, requestor)
        except Forbidden as error:
            # The owner's words are for strangers as well, so they name neither the network nor the cure.
            raise Forbidden(
                f"network {network_id}: {error.message}; is this provider a node of the network?"
            ) from error

    def _check(self, address: NetworkAddress, document: NetworkDocument) -> None:
        interface = address.address
        if document.deleted:
            raise Gone(f"network {document.id} was removed")
        if interface.network not in map(ip_network, document.prefixes):
            ranges = ", ".join(document.prefixes)
            raise InvalidInput(f"network {document.id} is {ranges}, deploy() said {interface.network}")
        if interface.ip not in map(ip_address, document.addresses_of(self._node_id)):
            missing = f"network {document.id} does not have this provider at {interface.ip}"
            raise InvalidInput(f"{missing}; add the node to the network first")


def _attachments(addresses: Sequence[NetworkAddress]) -> list[Attachment]:
    by_network: dict[str, list[str]] = {}
    for address in addresses:
        by_network.setdefault(address.network_id, []).append(str(address.address.ip))
    return list(by_network.items())


def _written(addresses: frozenset[NetworkAddress]) -> list[str]:
    return sorted(f"{address.address.ip} in network {address.network_id}" for address in addresses)
