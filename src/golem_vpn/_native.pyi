"""The native core: control connections, packets, user-space streams, sandboxes."""

from asyncio import Future
from typing import Any, Literal, TypedDict, final

__all__ = [
    "ConnectError",
    "ControlError",
    "DataPlane",
    "Endpoint",
    "NativeError",
    "Request",
    "Stack",
    "Stream",
    "probe",
    "sandbox_main",
]

class NativeError(Exception):
    """The native core could not do what was asked."""

class ConnectError(NativeError):
    """A stream through a network could not be opened."""

    reason: Literal["refused", "timed-out", "no-route", "too-many"]

class ControlError(NativeError):
    """A peer has not answered."""

    reason: Literal["unreachable", "interrupted", "timed-out", "refused", "malformed", "too-long", "closed"]

@final
class Endpoint:
    """Control connections to the daemons of other nodes, dialled by key."""

    @property
    def endpoint_id(self) -> bytes:
        """The public key that others dial."""

    @property
    def addresses(self) -> list[str]:
        """Where others may reach this endpoint, as of now; never an address of an overlay."""

    @staticmethod
    def bind(secret_key: bytes, listen: str) -> Future[Endpoint]:
        """Listens at `IP:PORT`; `0.0.0.0` means every interface, with IPv6 where the machine has it."""

    def request(self, endpoint_id: bytes, addresses: list[str], message: bytes, timeout: float) -> Future[bytes]:
        """Sends a message of at most 1 MiB and waits for the reply.

        Raises:
            ControlError: there is no reply; `reason` says why.
        """

    def accept(self) -> Future[Request]:
        """Waits for the next request of a peer; raises when the endpoint is closed."""

    def authorize(self, endpoint_id: bytes, node_id: bytes, addresses: list[str]) -> None:
        """Says that an endpoint has proved to speak for a node, and where to reach it. Sessions for packets need it."""

    def revoke(self, endpoint_id: bytes) -> None:
        """Makes an endpoint a stranger again."""

    def next_event(self) -> Future[tuple[Literal["connected", "disconnected"], bytes]]:
        """Waits for a peer to come ("connected") or go ("disconnected"), with its endpoint id."""

    def close(self) -> Future[None]:
        """Says farewell to all peers and frees the port."""

@final
class Request:
    """A message of a peer that waits for its reply; dropped unanswered, the peer is refused."""

    @property
    def endpoint_id(self) -> bytes:
        """The key that the peer has proved to hold."""

    @property
    def remote(self) -> str:
        """The `IP:PORT` that the peer's packets come from; empty if they come some other way."""

    @property
    def message(self) -> bytes: ...
    def respond(self, message: bytes) -> None:
        """Sends the reply; a second one is an error."""

_Addressed = tuple[bytes, list[str]]

class _Offloads(TypedDict):
    aes_instructions: bool
    udp_segmentation: bool
    udp_receive: bool
    send_buffer: int
    receive_buffer: int

class _ConnectionInfo(TypedDict):
    protocol: Literal["tcp"]
    localIp: str
    localPort: int
    remoteIp: str
    remotePort: int

@final
class DataPlane:
    """Packets between devices of this node and the nodes of its networks."""

    @staticmethod
    def start(node_id: bytes, listen: str, endpoint: Endpoint, ciphers: list[str] | None = None) -> DataPlane:
        """Listens for packets at `IP:PORT`, makes sessions over the endpoint; `ciphers` are in order of preference."""

    @property
    def addresses(self) -> list[str]:
        """Where others may send packets to, as of now; never an address of an overlay."""

    def set_network(self, id: bytes, prefixes: list[str], members: list[_Addressed]) -> None:
        """Adds or replaces a network: its prefixes, and every member as its node id and addresses."""

    def remove_network(self, id: bytes) -> None:
        """Ends a network and its sessions."""

    def set_peer(self, node_id: bytes, addresses: list[str]) -> None:
        """Says where a node takes packets."""

    def forget_peer(self, node_id: bytes) -> None:
        """Drops what is known of a node."""

    def reset_peer(self, node_id: bytes) -> None:
        """Drops the sessions with a node that restarted."""

    def add_tun(self, fd: int, name: str, attachments: list[_Addressed], mtu: int) -> int:
        """Attaches a TUN, through a duplicate of its descriptor, and gives the device's number."""

    def create_tun(self, name: str, addresses: list[str], attachments: list[_Addressed], mtu: int) -> int:
        """Makes a TUN with addresses in CIDR form on this machine and attaches it.

        Raises:
            OSError: the system refuses; PermissionError without `CAP_NET_ADMIN`.
        """

    def set_attachments(self, device: int, attachments: list[_Addressed]) -> None:
        """Changes which addresses of which networks a TUN has."""

    def remove_device(self, device: int) -> None:
        """Detaches a TUN."""

    def add_stack(self, attachments: list[_Addressed], addresses: list[str], mtu: int) -> Stack:
        """Attaches a user-space TCP/IP stack with addresses in CIDR form."""

    def snapshot(self) -> Future[dict[str, Any]]:
        """Tells the counters, drops by reason, peers, devices, offloads and the preferred cipher."""

    def close(self) -> None:
        """Stops all packets. A second call does nothing."""

@final
class Stack:
    """A user-space TCP/IP stack on the switch."""

    def set_addresses(self, attachments: list[_Addressed], addresses: list[str]) -> None:
        """Replaces the addresses. Connections from addresses that stay go on."""

    def connect(self, ip: str, port: int, timeout: float) -> Future[Stream]:
        """Opens a TCP connection.

        Raises:
            ConnectError: there is none; `reason` says why.
        """

    def connections(self) -> list[_ConnectionInfo]:
        """Lists the open connections: protocol, localIp, localPort, remoteIp, remotePort."""

    def close(self) -> None:
        """Ends the stack and its connections. A second call does nothing."""

@final
class Stream:
    """A TCP connection into a network."""

    def pump_websocket(self, fd: int, already_read: bytes, response_head: bytes) -> Future[str]:
        """Writes the response head to a duplicate of the client's socket, then carries websocket messages both ways.

        Gives the reason why it ended. `already_read` is what came behind the head of the client's request.
        """

    def close(self) -> None:
        """Ends the connection, unless it is being pumped."""

def probe() -> _Offloads:
    """Tries what the machine can do without any privilege."""

def sandbox_main(arguments: list[str]) -> int:
    """Runs the process that makes and holds an activity's namespaces, in which it is alone; gives its exit code."""
