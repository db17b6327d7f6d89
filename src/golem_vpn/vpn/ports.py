"""What the network service needs of the parts that carry networks to other nodes and packets to this one."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol

import msgspec

from golem_vpn.vpn.model import Connection


class NetworkDraft(msgspec.Struct, frozen=True):
    """What a network's owner wants its members to know."""

    id: str
    owner: str
    prefixes: tuple[str, ...]
    members: Mapping[str, tuple[str, ...]]
    """The addresses of each node."""


class Publisher(Protocol):
    """Signs what the owner wants, applies it on this node, and brings it to the members, however long that takes."""

    async def publish(self, draft: NetworkDraft) -> None:
        """Makes the draft the network's newest version; one that says what the last one said changes nothing."""

    async def withdraw(self, network_id: str) -> None:
        """Ends the network, for all members."""


class Stream(Protocol):
    """A way into a network that a websocket can be tied to: a TCP connection, or one for Ethernet frames."""

    def pump_websocket(self, fd: int, already_read: bytes, response_head: bytes) -> Awaitable[str]:
        """Ties a websocket to it until either ends; tells why.

        The socket is a duplicate of `fd` that is made before the call returns.
        """

    def close(self) -> None:
        """Ends it."""


class FrameStream(Stream, Protocol):
    """A way for Ethernet frames between two addresses of a network."""

    def drops(self) -> Mapping[str, int]:
        """Counts the frames that went no further, by reason."""


class Stack(Protocol):
    """This node's own TCP/IP, with addresses in one network."""

    async def set_addresses(self, addresses: Sequence[str]) -> None:
        """Takes these addresses (CIDR) in place of the present ones; the first is the source of connections."""

    async def connect(self, ip: str, port: int, timeout: float) -> Stream:
        """Opens a TCP connection, or raises one of the errors of `golem_vpn.errors`."""

    def open_raw(self, source: str, destination: str) -> FrameStream:
        """Opens a way for frames, in place of an earlier one, or raises one of the errors of `golem_vpn.errors`."""

    def connections(self) -> list[Connection]:
        """Lists what is open."""

    def close(self) -> None:
        """Ends all connections."""


class Stacks(Protocol):
    """Makes stacks on this node's data plane."""

    async def open(self, network_id: str, addresses: Sequence[str]) -> Stack:
        """Puts a stack with these addresses (CIDR) into a network."""
