"""This node's own TCP/IP in its networks, by the native core: the kernel's, or one in user space."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import anyio
import structlog
from anyio.to_thread import run_sync

from golem_vpn.errors import ConnectionRefused, ConnectionTimeout, GolemVpnError, Overloaded
from golem_vpn.net.native_dataplane import (
    Namespaces,
    NativeDataPlane,
    NativeError,
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

Addresses = Sequence[str]


@dataclass(frozen=True)
class Made:
    """A native stack, and the namespaces that it is in, unless it is in user space."""

    native: NativeStack
    namespaces: Namespaces | None


log = structlog.get_logger()


class Helpers(Protocol):
    """Where namespaces come from."""

    async def namespaces(self) -> Namespaces | None:
        """Gives the namespaces, if there are any."""

    async def renew(self, lost: Namespaces) -> None:
        """Has others in the place of these."""


class NativeStacks:
    """Makes stacks on the data plane: of the kernel where there are namespaces for them."""

    def __init__(self, data_plane: NativeDataPlane, helpers: Helpers | None = None) -> None:
        self._data_plane = data_plane
        self._helpers = helpers

    async def open(self, network_id: str, addresses: Addresses) -> Stack:
        """Puts a stack with these addresses (CIDR) into a network."""
        return StackOfNetwork(self, network_id, addresses, await self.make(network_id, addresses))

    async def make(self, network_id: str, addresses: Addresses) -> Made:
        """Makes a native stack."""
        namespaces = await self._helpers.namespaces() if self._helpers else None
        if namespaces is not None:
            try:
                return await self._make(network_id, addresses, namespaces)
            except NativeError as error:
                log.error("a gate goes on with TCP/IP in user space", network=network_id, cause=str(error))
        return await self._make(network_id, addresses, None)

    async def make_again(self, network_id: str, addresses: Addresses, lost: Namespaces) -> Made:
        """Makes a native stack in the place of one whose namespaces do no more."""
        if self._helpers is not None:
            await self._helpers.renew(lost)
        return await self.make(network_id, addresses)

    async def _make(self, network_id: str, addresses: Addresses, namespaces: Namespaces | None) -> Made:
        attachments = [(network_id, without_prefix(addresses))]
        return Made(await run_sync(self._data_plane.add_stack, attachments, addresses, namespaces), namespaces)


class StackOfNetwork:
    """A stack with addresses in one network."""

    def __init__(self, stacks: NativeStacks, network_id: str, addresses: Addresses, made: Made) -> None:
        self._stacks = stacks
        self._network_id = network_id
        self._addresses = addresses
        self._made = made
        self._replacing = anyio.Lock()

    async def set_addresses(self, addresses: Addresses) -> None:
        """Takes these addresses (CIDR) in place of the present ones; the first is the source of connections."""
        self._addresses = addresses
        made = self._made
        attachments = native_attachments([(self._network_id, without_prefix(addresses))])
        try:
            await run_sync(made.native.set_addresses, attachments, list(addresses))
        except NativeError as error:
            if made.namespaces is None:
                raise
            await self._replace(made, made.namespaces, str(error))

    async def connect(self, ip: str, port: int, timeout: float) -> NativeStream:
        """Opens a TCP connection.

        Raises:
            ConnectionRefused: nothing listens there, or the stack has no address of that family.
            ConnectionTimeout: nothing answered in time.
            Overloaded: too many connections are open.
        """
        while True:
            made = self._made
            try:
                return await made.native.connect(ip, port, timeout)
            except StreamFailed as error:
                if error.reason != "lost" or made.namespaces is None:
                    raise _FAILURES[error.reason](f"{ip} port {port}: {error}") from None
                await self._replace(made, made.namespaces, str(error))

    def open_raw(self, source: str, destination: str) -> NativeRawGate:
        """Opens a way for frames from an address of the stack, in place of an earlier one.

        Raises:
            ConnectionRefused: the stack has no such address any more.
            Overloaded: too many are open.
        """
        try:
            return self._made.native.open_raw(source, destination)
        except StreamFailed as error:
            raise _FAILURES[error.reason](f"{source} to {destination}: {error}") from None

    def connections(self) -> list[Connection]:
        """Lists what is open."""
        return [
            Connection(TCP, item["localIp"], item["localPort"], item["remoteIp"], item["remotePort"])
            for item in self._made.native.connections()
        ]

    def close(self) -> None:
        """Ends all connections."""
        self._made.native.close()

    async def _replace(self, lost: Made, namespaces: Namespaces, cause: str) -> None:
        """Has another stack in the place of one that is lost with its connections, unless that has happened."""
        async with self._replacing:
            if self._made is lost:
                log.error("a gate has lost its stack", network=self._network_id, cause=cause)
                await run_sync(lost.native.close)
                self._made = await self._stacks.make_again(self._network_id, self._addresses, namespaces)


_FAILURES: dict[str, type[GolemVpnError]] = {
    "refused": ConnectionRefused,
    "no-route": ConnectionRefused,
    "timed-out": ConnectionTimeout,
    "too-many": Overloaded,
    "lost": Overloaded,
}
