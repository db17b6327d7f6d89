"""This machine as a member: interfaces of its own in networks that its node is in.

An interface has the addresses that the network's document gives to this node. In a network of this node's own, those
that the gate calls from are left out: they belong to the daemon's own TCP/IP, and one address has one holder.
"""

import contextlib
import re
from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network
from typing import Protocol

import anyio
import msgspec
import structlog

from golem_vpn.bells import Bells
from golem_vpn.errors import Conflict, InvalidInput, NotFound

INTERFACE_NAME = re.compile(r"vpn[A-Za-z0-9_.-]{0,12}", re.ASCII)
"""Names of overlay interfaces begin so: their addresses are never told to others as ways to this node."""

log = structlog.get_logger()


class Document(Protocol):
    """What an owner says of a network."""

    @property
    def id(self) -> str: ...
    @property
    def prefixes(self) -> tuple[str, ...]: ...
    def addresses_of(self, node_id: str) -> tuple[str, ...]: ...


class Documents(Protocol):
    """The networks that this node knows."""

    def document(self, network_id: str) -> Document | None: ...
    def watch(self, watcher: Callable[[Document], None]) -> None: ...


class Interfaces(Protocol):
    """Makes interfaces of this machine whose other end is the data plane."""

    def create(self, name: str, network_id: str, addresses: Sequence[str]) -> int:
        """Makes an interface with these addresses (CIDR) in a network, and gives its handle.

        Raises:
            RuntimeUnavailable: the daemon may not make interfaces.
            Conflict: there is an interface of that name.
        """

    def allow(self, interface: int, network_id: str, addresses: Sequence[str]) -> None:
        """Says which addresses (bare) an interface may use, in place of what it might before."""

    def remove(self, interface: int) -> None:
        """Removes an interface."""


class Attachment(msgspec.Struct, frozen=True, rename="camel"):
    """An interface of this machine in a network."""

    network_id: str
    interface: str
    addresses: tuple[str, ...]
    """In CIDR form."""


class Attachments:
    """Attaches this machine to networks, and follows their documents."""

    def __init__(
        self,
        documents: Documents,
        interfaces: Interfaces,
        node_id: str,
        gate_addresses: Callable[[str], Sequence[str]],
    ) -> None:
        self._documents = documents
        self._interfaces = interfaces
        self._node_id = node_id
        self._gate_addresses = gate_addresses
        self._attached: dict[str, tuple[int, Attachment]] = {}
        self._heard = Bells[str]()
        """Ring for a network when its owner's word of it is new."""
        documents.watch(self._follow)

    def list(self) -> tuple[Attachment, ...]:
        """Lists the interfaces."""
        return tuple(attachment for _, attachment in self._attached.values())

    async def attach_when_known(self, network_id: str, interface: str, timeout: float) -> Attachment:
        """Does what `attach` does, but waits some seconds for word that this node is in such a network.

        Raises:
            NotFound: no such word came.
            GolemVpnError: what `attach` raises otherwise, at once.
        """
        with anyio.move_on_after(timeout):
            while True:
                heard = self._heard.listen(network_id)
                with contextlib.suppress(NotFound):
                    return self.attach(network_id, interface)
                await heard.wait()
        return self.attach(network_id, interface)

    def attach(self, network_id: str, interface: str) -> Attachment:
        """Makes an interface in a network; it lasts until it is detached, or the daemon ends.

        Raises:
            InvalidInput: the name is none for an interface.
            NotFound: this node is in no such network.
            Conflict: the machine is attached already, or no address is left for it.
            RuntimeUnavailable: the daemon may not make interfaces.
        """
        if INTERFACE_NAME.fullmatch(interface) is None:
            raise InvalidInput(f"{interface!r}: an interface is named vpn and up to 12 letters, digits, _, . or -")
        if network_id in self._attached:
            raise Conflict(f"This machine is in the network already, as {self._attached[network_id][1].interface}")
        document = self._documents.document(network_id)
        if document is None or not document.addresses_of(self._node_id):
            raise NotFound("This node is in no such network; its owner adds it by `golem-vpn network add-node`")
        addresses = self._free_addresses(document)
        if not addresses:
            raise Conflict(
                "All addresses of this node there are the gate's; `golem-vpn network add-node` gives another"
            )
        attachment = Attachment(network_id, interface, tuple(_in_cidr_form(document, addresses)))
        handle = self._interfaces.create(interface, network_id, attachment.addresses)
        self._attached[network_id] = handle, attachment
        log.info("attached", network=network_id, interface=interface)
        return attachment

    def detach(self, network_id: str) -> None:
        """Removes the interface of a network.

        Raises:
            NotFound: there is none.
        """
        if network_id not in self._attached:
            raise NotFound("This machine is not attached to that network")
        handle, attachment = self._attached.pop(network_id)
        self._interfaces.remove(handle)
        log.info("detached", network=network_id, interface=attachment.interface)

    def _free_addresses(self, document: Document) -> tuple[str, ...]:
        taken = set(self._gate_addresses(document.id))
        return tuple(address for address in document.addresses_of(self._node_id) if address not in taken)

    def _follow(self, document: Document) -> None:
        """Keeps an interface to the addresses that it has and that the newest document still gives to this node."""
        self._heard.ring(document.id)
        if document.id not in self._attached:
            return
        handle, attachment = self._attached[document.id]
        free = self._free_addresses(document)
        kept = tuple(address for address in attachment.addresses if address.partition("/")[0] in free)
        if not kept:
            self.detach(document.id)
        elif len(kept) < len(attachment.addresses):
            self._interfaces.allow(handle, document.id, [address.partition("/")[0] for address in kept])
            self._attached[document.id] = handle, msgspec.structs.replace(attachment, addresses=kept)


def _in_cidr_form(document: Document, addresses: Sequence[str]) -> list[str]:
    prefixes = [ip_network(prefix) for prefix in document.prefixes]
    return [
        f"{address}/{prefix.prefixlen}" for address in addresses for prefix in prefixes if ip_address(address) in prefix
    ]
