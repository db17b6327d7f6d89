"""This node's own TCP/IP in its networks, by the native core."""

from collections.abc import Sequence

from golem_vpn.errors import ConnectionRefused, ConnectionTimeout, GolemVpnError, Overloaded
from golem_vpn.net.native_dataplane import (
    NativeDataPlane,
    NativeRawGate,
    NativeStack,
    NativeStream,
    StreamFailed,
    native_attachments,
)
from golem_vpn.vpn.addresses import without_prefix
from golem_vpn.vpn.model import Connection
from golem_vpn.vpn.ports import Stack

TCP = 6
"""Its number in the IP header."""


class NativeStacks:
    """Makes stacks on the data plane."""

    def __init__(self, data_plane: NativeDataPlane) -> None:
        self._data_plane = data_plane

    def open(self, network_id: str, addresses: Sequence[str]) -> Stack:
        """Puts a stack with these addresses (CIDR) into a network."""
        attachment = (network_id, without_prefix(addresses))
        return StackOfNetwork(network_id, self._data_plane.add_stack([attachment], addresses))


class StackOfNetwork:
    """A stack with addresses in one network."""

    def __init__(self, network_id: str, native: NativeStack) -> None:
        self._network_id = network_id
        self._native = native

    def set_addresses(self, addresses: Sequence[str]) -> None:
        """Takes these addresses (CIDR) in place of the present ones; the first is the source of connections."""
        self._native.set_addresses(native_attachments([(self._network_id, without_prefix(addresses))]), list(addresses))

    async def connect(self, ip: str, port: int, timeout: float) -> NativeStream:
        """Opens a TCP connection.

        Raises:
            ConnectionRefused: nothing listens there, or the stack has no address of that family.
            ConnectionTimeout: nothing answered in time.
            Overloaded: too many connections are open.
        """
        try:
            return await self._native.connect(ip, port, timeout)
        except StreamFailed as error:
            raise _FAILURES[error.reason](f"{ip} port {port}: {error}") from None

    def open_raw(self, source: str, destination: str) -> NativeRawGate:
        """Opens a way for frames from an address of the stack, in place of an earlier one.

        Raises:
            ConnectionRefused: the stack has no such address any more.
            Overloaded: too many are open.
        """
        try:
            return self._native.open_raw(source, destination)
        except StreamFailed as error:
            raise _FAILURES[error.reason](f"{source} to {destination}: {error}") from None

    def connections(self) -> list[Connection]:
        """Lists what is open."""
        return [
            Connection(TCP, item["localIp"], item["localPort"], item["remoteIp"], item["remotePort"])
            for item in self._native.connections()
        ]

    def close(self) -> None:
        """Ends all connections."""
        self._native.close()


_FAILURES: dict[str, type[GolemVpnError]] = {
    "refused": ConnectionRefused,
    "no-route": ConnectionRefused,
    "timed-out": ConnectionTimeout,
    "too-many": Overloaded,
}
