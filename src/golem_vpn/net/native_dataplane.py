"""The data plane of the native core, in the terms of the rest of the daemon."""

from collections.abc import Sequence
from typing import Any

from golem_vpn import _native
from golem_vpn.config import PacketOptions
from golem_vpn.errors import ConfigurationError
from golem_vpn.net.dataplane import Attachment, Reflector
from golem_vpn.net.document import NetworkDocument
from golem_vpn.net.identity import node_id_bytes
from golem_vpn.net.native_endpoint import NativeEndpoint
from golem_vpn.net.record import Candidate

MTU = 1420
"""Bytes of the longest inner packet: what is left of 1500 for IPv6, UDP, our header and tag, and a little room."""

DEFAULTS = PacketOptions()

NativeStack = _native.Stack
NativeStream = _native.Stream
NativeRawGate = _native.RawGate
StreamFailed = _native.ConnectError
NativeError = _native.NativeError
Namespaces = _native.Namespaces


class NativeDataPlane:
    """Carries packets between devices of this node and the other members of their networks."""

    def __init__(self, native: _native.DataPlane) -> None:
        self._native = native

    @classmethod
    def start(
        cls,
        node_id: str,
        listen: str,
        endpoint: NativeEndpoint,
        *,
        relayed_only: bool = False,
        options: PacketOptions = DEFAULTS,
    ) -> "NativeDataPlane":
        """Binds the packet socket at `HOST:PORT` and starts the packet thread.

        With `relayed_only`, packets go through relays and never straight to their receiver.

        Raises:
            ConfigurationError: the port is taken, or the address is not this machine's.
        """
        try:
            native = _native.DataPlane.start(
                node_id_bytes(node_id),
                listen,
                endpoint.native,
                None if options.cipher is None else [options.cipher],
                relayed_only=relayed_only,
                low_latency=options.low_latency,
                workers=options.workers,
                bytes_per_second=options.bytes_per_second,
                without=list(options.without),
                rekey_after=options.rekey_after,
            )
        except (OSError, ValueError, _native.NativeError) as error:
            raise ConfigurationError(f"cannot receive packets at {listen}: {error}; see --listen") from error
        return cls(native)

    @property
    def addresses(self) -> list[str]:
        """Where others may send packets to, `IP:PORT`."""
        return self._native.addresses

    @property
    def reflected(self) -> list[str]:
        """The addresses that others saw packets of this node come from, newest first."""
        return self._native.reflected

    @property
    def mapped(self) -> list[str]:
        """The addresses that this node's router opened for it."""
        return self._native.mapped

    def set_port_mapping(self, enabled: bool) -> None:
        """Asks this node's router to open the packet port, or does so no more."""
        self._native.set_port_mapping(enabled)

    def set_network(self, document: NetworkDocument) -> None:
        """Makes a network as the document says, in place of what it was."""
        members = [(node_id_bytes(member.node_id), list(member.addresses)) for member in document.members]
        self._native.set_network(bytes.fromhex(document.id), list(document.prefixes), members)

    def remove_network(self, network_id: str) -> None:
        """Ends a network, with all its sessions."""
        self._native.remove_network(bytes.fromhex(network_id))

    def set_peer(
        self, node_id: str, candidates: Sequence[Candidate], relays: Sequence[str], carrier_id: bytes | None
    ) -> None:
        """Says where a node takes packets, and through which relays."""
        addresses = [(candidate.address, str(candidate.source)) for candidate in candidates]
        self._native.set_peer(node_id_bytes(node_id), addresses, list(relays), carrier_id)

    def forget_peer(self, node_id: str) -> None:
        """Drops what is known of a node."""
        self._native.forget_peer(node_id_bytes(node_id))

    def reset_peer(self, node_id: str) -> None:
        """Drops the sessions with a node that restarted."""
        self._native.reset_peer(node_id_bytes(node_id))

    async def next_wanted(self) -> str:
        """Waits for the next node that packets wait for and that cannot be reached, since it moved or is unknown."""
        node_id = await self._native.next_wanted()
        return f"0x{node_id.hex()}"

    async def snapshot(self) -> dict[str, Any]:
        """Counts what went through."""
        return await self._native.snapshot()

    def set_relays(self, relays: Sequence[str]) -> None:
        """Keeps connections to these relays from now on."""
        self._native.set_relays(list(relays))

    def set_reflectors(self, reflectors: Sequence[Reflector]) -> None:
        """Asks these from now on what address this node's packets come from."""
        self._native.set_reflectors(list(reflectors))

    def admit_reflection(self, index: int, key: bytes) -> None:
        """Answers to whoever asks under this index and key what address it has outside."""
        self._native.admit_reflection(index, key)

    def dismiss_reflection(self, index: int) -> None:
        """Takes back what `admit_reflection` gave."""
        self._native.dismiss_reflection(index)

    def add_tun(self, fd: int, name: str, attachments: Sequence[Attachment], mtu: int) -> int:
        """Puts a TUN on the switch and gives the device's handle; the descriptor stays the caller's."""
        return self._native.add_tun(fd, name, native_attachments(attachments), mtu)

    def create_tun(self, name: str, addresses: Sequence[str], attachments: Sequence[Attachment]) -> int:
        """Makes a TUN of the machine's own, with addresses in CIDR form, and puts it on the switch."""
        return self._native.create_tun(name, list(addresses), native_attachments(attachments), MTU)

    def add_stack(
        self, attachments: Sequence[Attachment], addresses: Sequence[str], namespaces: Namespaces | None = None
    ) -> _native.Stack:
        """Puts a TCP/IP stack on the switch, with addresses in CIDR form; the kernel's where there are namespaces.

        Raises:
            NativeError: the system refuses a namespace.
        """
        return self._native.add_stack(native_attachments(attachments), list(addresses), MTU, namespaces)

    def set_attachments(self, device: int, attachments: Sequence[Attachment]) -> None:
        """Says which addresses a device may use, in place of what it might before."""
        self._native.set_attachments(device, native_attachments(attachments))

    def remove_device(self, device: int) -> None:
        """Takes a device off the switch."""
        self._native.remove_device(device)

    def close(self) -> None:
        """Stops the packet thread."""
        self._native.close()


def native_attachments(attachments: Sequence[Attachment]) -> list[tuple[bytes, list[str]]]:
    """Writes attachments as the native core takes them."""
    return [(bytes.fromhex(network_id), list(addresses)) for network_id, addresses in attachments]
