"""
The native core of golem-vpn.
"""

from asyncio import Future
from typing import Any, Literal, SupportsFloat, SupportsIndex, TypedDict, final, type_check_only

from _typeshed import SupportsGetItem

__all__ = [
    "ConnectError",
    "ControlError",
    "DataPlane",
    "Endpoint",
    "Namespaces",
    "NativeError",
    "RawGate",
    "Relay",
    "Request",
    "Stack",
    "Stream",
    "decompress",
    "probe",
    "probe_tun",
    "sandbox_main",
    "stack_helper_main",
]

class NativeError(Exception):
    """The native core could not do what was asked."""

class ConnectError(NativeError):
    """A stream through a network could not be opened."""

    reason: Literal["refused", "timed-out", "no-route", "too-many", "lost"]

class ControlError(NativeError):
    """A peer has not answered."""

    reason: Literal["unreachable", "interrupted", "timed-out", "refused", "malformed", "too-long", "closed"]

@type_check_only
class Offloads(TypedDict):
    aes_instructions: bool
    real_time: bool
    udp_segmentation: bool
    udp_receive: bool
    send_buffer: int
    receive_buffer: int

@type_check_only
class TunOffloads(TypedDict):
    checksum: bool
    tcp: bool
    udp: bool

@type_check_only
class ConnectionInfo(TypedDict):
    protocol: Literal["tcp"]
    localIp: str
    localPort: int
    remoteIp: str
    remotePort: int

@final
class DataPlane:
    """
    Packets between devices of this node and the nodes of its networks.
    """
    def add_stack(
        self,
        /,
        attachments: SupportsGetItem[int, tuple[bytes | bytearray, SupportsGetItem[int, str]]],
        addresses: SupportsGetItem[int, str],
        mtu: SupportsIndex,
        namespaces: Namespaces | None = None,
    ) -> Stack:
        """
        Attaches a TCP/IP stack with addresses in CIDR form: the kernel's where there are namespaces for it, else one
        in user space.
        """
    def add_tun(
        self,
        /,
        fd: SupportsIndex,
        name: str,
        attachments: SupportsGetItem[int, tuple[bytes | bytearray, SupportsGetItem[int, str]]],
        mtu: SupportsIndex,
    ) -> int:
        """
        Attaches a TUN, through a duplicate of its descriptor, and gives the device's number.
        """
    @property
    def addresses(self, /) -> list[str]:
        """
        Where others may send packets to, as of now; never an address of an overlay.
        """
    def admit_reflection(self, /, index: SupportsIndex, key: bytes | bytearray) -> None:
        """
        Answers the requests of one node, which has got this index and key, with where they come from.
        """
    def close(self, /) -> None:
        """
        Stops all packets. A second call does nothing.
        """
    def create_tun(
        self,
        /,
        name: str,
        addresses: SupportsGetItem[int, str],
        attachments: SupportsGetItem[int, tuple[bytes | bytearray, SupportsGetItem[int, str]]],
        mtu: SupportsIndex,
    ) -> int:
        """
        Makes a TUN with addresses in CIDR form on this machine and attaches it. Needs `CAP_NET_ADMIN`.
        """
    def dismiss_reflection(self, /, index: SupportsIndex) -> None:
        """
        Answers a node's requests no more.
        """
    def forget_peer(self, /, node_id: bytes | bytearray) -> None:
        """
        Drops what is known of a node.
        """
    @property
    def mapped(self, /) -> list[str]:
        """
        Where a router leads from outside to the socket for packets, as of now.
        """
    def next_wanted(self, /) -> Future[bytes]:
        """
        Waits for the next node that packets wait for and that cannot be reached; raises when the packets are stopped.
        """
    @property
    def reflected(self, /) -> list[str]:
        """
        Where others see the socket for packets, newest first.
        """
    def remove_device(self, /, device: SupportsIndex) -> None:
        """
        Detaches a TUN.
        """
    def remove_network(self, /, id: bytes | bytearray) -> None:
        """
        Ends a network and its sessions.
        """
    def reset_peer(self, /, node_id: bytes | bytearray) -> None:
        """
        Drops the sessions with a node that restarted.
        """
    def set_attachments(
        self,
        /,
        device: SupportsIndex,
        attachments: SupportsGetItem[int, tuple[bytes | bytearray, SupportsGetItem[int, str]]],
    ) -> None:
        """
        Changes which addresses of which networks a TUN has.
        """
    def set_network(
        self,
        /,
        id: bytes | bytearray,
        prefixes: SupportsGetItem[int, str],
        members: SupportsGetItem[int, tuple[bytes | bytearray, SupportsGetItem[int, str]]],
    ) -> None:
        """
        Adds or replaces a network: its prefixes, and every member as its node id and addresses.
        """
    def set_peer(
        self,
        /,
        node_id: bytes | bytearray,
        candidates: SupportsGetItem[int, tuple[str, str]],
        relays: SupportsGetItem[int, str],
        carrier_id: bytes | bytearray | None,
    ) -> None:
        """
        Says where a node takes packets: addresses, each with its source ("interface", "reflected", "mapped" or
        "configured"), and relays (`https://HOST:PORT#sha256=HEX`), where it is known by its carrier id.
        """
    def set_port_mapping(self, /, enabled: bool) -> None:
        """
        Asks the local router, by UPnP, PCP and NAT-PMP, for a port that leads to the socket for packets, or for none
        any more. Nobody is asked at first.
        """
    def set_reflectors(self, /, reflectors: SupportsGetItem[int, tuple[str, SupportsIndex, bytes | bytearray]]) -> None:
        """
        Replaces the reflectors that tell where the socket for packets is seen: address, index and key of each.
        """
    def set_relays(self, /, relays: SupportsGetItem[int, str]) -> None:
        """
        Replaces the relays that this node keeps connections to for its packets.
        """
    def snapshot(self, /) -> Future[dict[str, Any]]:
        """
        Tells the counters, drops by reason, peers, relays, devices, offloads and the preferred cipher.
        """
    @staticmethod
    def start(
        node_id: bytes | bytearray,
        listen: str,
        endpoint: Endpoint,
        ciphers: SupportsGetItem[int, str] | None = None,
        *,
        relayed_only: bool = False,
        low_latency: bool = False,
        workers: SupportsIndex | None = None,
        bytes_per_second: SupportsIndex | None = None,
        without: SupportsGetItem[int, str] | None = None,
        rekey_after: SupportsFloat | SupportsIndex | None = None,
    ) -> DataPlane:
        """
        Listens for packets at `IP:PORT`, makes sessions over the endpoint; `ciphers` are in order of preference. With
        `relayed_only` packets go through relays, whatever direct path there may be; with `low_latency`
        packets are passed on sooner, for more processor time; `workers` threads seal and open beside the packet thread,
        as many as suit the machine where nothing is said; no more than `bytes_per_second`
        are sent. To measure: `without` names features to leave out, sessions get a successor after `rekey_after`
        seconds.
        """

@final
class Endpoint:
    """
    Control connections to the daemons of other nodes, dialled by key.
    """
    def accept(self, /) -> Future[Request]:
        """
        Waits for the next request of a peer; raises when the endpoint is closed.
        """
    @property
    def addresses(self, /) -> list[str]:
        """
        Where others may reach this endpoint, as of now; never an address of an overlay.
        """
    def authorize(
        self, /, endpoint_id: bytes | bytearray, node_id: bytes | bytearray, addresses: SupportsGetItem[int, str]
    ) -> None:
        """
        Says that an endpoint has proved to speak for a node, and where to reach it. Sessions for packets need it.
        """
    @staticmethod
    def bind(secret_key: bytes | bytearray, listen: str) -> Future[Endpoint]:
        """
        Listens at `IP:PORT`; `0.0.0.0` means every interface, with IPv6 where the machine has it.
        """
    @property
    def carrier_id(self, /) -> bytes:
        """
        The public key by which relays know this node's packets.
        """
    def close(self, /) -> Future[None]:
        """
        Says farewell to all peers and frees the port.
        """
    def disconnect_idle(self, /, endpoint_id: bytes | bytearray, seconds: SupportsFloat | SupportsIndex) -> bool:
        """
        Ends the connection to a peer if nobody asked anything over it for so many seconds; whether there is none then.
        """
    @property
    def endpoint_id(self, /) -> bytes:
        """
        The public key that others dial.
        """
    @property
    def home_relay(self, /) -> str | None:
        """
        The relay that others find this endpoint at, while it is connected.
        """
    def next_event(self, /) -> Future[tuple[Literal["connected", "disconnected"], bytes]]:
        """
        Waits for a peer to come ("connected") or go ("disconnected"), with its endpoint id.
        """
    @staticmethod
    def relayed_only(secret_key: bytes | bytearray) -> Future[Endpoint]:
        """
        Listens nowhere: connections of either side go through relays alone.
        """
    def request(
        self,
        /,
        endpoint_id: bytes | bytearray,
        addresses: SupportsGetItem[int, str],
        message: bytes | bytearray,
        timeout: SupportsFloat | SupportsIndex,
    ) -> Future[bytes]:
        """
        Sends a message of at most 1 MiB and waits for the reply. An address is `IP:PORT` or a relay, as of
        `set_relays`.
        """
    def revoke(self, /, endpoint_id: bytes | bytearray) -> None:
        """
        Makes an endpoint a stranger again.
        """
    def set_relays(self, /, relays: SupportsGetItem[int, str]) -> None:
        """
        Replaces the relays that control connections may take, `https://HOST:PORT#sha256=HEX` each: the pin is the
        SHA-256 of the relay's certificate. Without one the certificate has to be of a public authority.
        """

@final
class Namespaces:
    """
    Network namespaces for stacks of the kernel's, kept by a helper process until this and its stacks are gone.
    """
    @staticmethod
    def start(control: SupportsIndex, device_node: str) -> Future[Namespaces]:
        """
        Takes over the control socket of a helper process, by a duplicate, and waits until that has found out whether
        it can do its work; `device_node` is the TUN's. Raises what the system refused.
        """

@final
class RawGate:
    """
    A way for Ethernet frames between an address of a stack and one of another member.
    """
    def close(self, /) -> None:
        """
        Ends the gate, and its websocket. A second call does nothing.
        """
    def drops(self, /) -> dict[str, int]:
        """
        Counts the frames that went no further, by reason.
        """
    def pump_websocket(
        self, /, fd: SupportsIndex, already_read: bytes | bytearray, response_head: bytes | bytearray
    ) -> Future[str]:
        """
        Writes the response head to a duplicate of the client's socket, then carries frames both ways, each a message.

        Gives the reason why it ended. `already_read` is what came behind the head of the client's request.
        """

@final
class Relay:
    """
    Carries sealed datagrams between nodes that can't reach each other, over TLS.
    """
    @property
    def address(self, /) -> str:
        """
        The `IP:PORT` it listens at.
        """
    def close(self, /) -> Future[None]:
        """
        Cuts all clients and frees the ports.
        """
    def counters(self, /) -> dict[str, int]:
        """
        What it did, by the names of metrics.
        """
    @staticmethod
    def make_certificate(names: SupportsGetItem[int, str]) -> tuple[bytes, bytes]:
        """
        Makes a self-signed certificate for host names and IP addresses, and its key; both PEM.
        """
    @property
    def pin(self, /) -> str:
        """
        The SHA-256 of its certificate's DER, in hexadecimal digits.
        """
    def set_admitted(
        self, /, endpoint_ids: SupportsGetItem[int, bytes | bytearray], passes: SupportsGetItem[int, str] = ...
    ) -> None:
        """
        Replaces who may connect: endpoint ids and carrier ids, and the passes that let a guest in for a minute. Whoever
        is connected and may not is cut.
        """
    @staticmethod
    def start(
        listen: str,
        certificate: bytes | bytearray | None = None,
        key: bytes | bytearray | None = None,
        *,
        bytes_per_second: SupportsIndex | None = None,
    ) -> Future[Relay]:
        """
        Listens at `IP:PORT`, TCP, and at the same UDP port for address discovery. Certificate and key are PEM; without
        them one is made that lasts as long as the relay. Nobody is admitted at first.
        """

@final
class Request:
    """
    A message of a peer that waits for its reply; dropped unanswered, the peer is refused.
    """
    @property
    def endpoint_id(self, /) -> bytes:
        """
        The key that the peer has proved to hold.
        """
    @property
    def message(self, /) -> bytes: ...
    @property
    def remote(self, /) -> str:
        """
        The `IP:PORT` that the peer's packets come from; empty if they come some other way.
        """
    def respond(self, /, message: bytes | bytearray) -> None:
        """
        Sends the reply; a second one is an error.
        """

@final
class Stack:
    """
    A TCP/IP stack on the switch.
    """
    def close(self, /) -> None:
        """
        Ends the stack and its connections. A second call does nothing.
        """
    def connect(self, /, ip: str, port: SupportsIndex, timeout: SupportsFloat | SupportsIndex) -> Future[Stream]:
        """
        Opens a TCP connection; `ConnectError` says why there is none.
        """
    def connections(self, /) -> list[ConnectionInfo]:
        """
        Lists the open connections: protocol, localIp, localPort, remoteIp, remotePort.
        """
    def open_raw(self, /, local: str, remote: str) -> RawGate:
        """
        Opens a way for Ethernet frames between an address of the stack and another, in place of an earlier one.

        `ConnectError` says why there is none.
        """
    def set_addresses(
        self,
        /,
        attachments: SupportsGetItem[int, tuple[bytes | bytearray, SupportsGetItem[int, str]]],
        addresses: SupportsGetItem[int, str],
    ) -> None:
        """
        Replaces the addresses. Connections from addresses that stay go on.
        """

@final
class Stream:
    """
    A TCP connection into a network.
    """
    def close(self, /) -> None:
        """
        Ends the connection, unless it is being pumped.
        """
    def pump_websocket(
        self, /, fd: SupportsIndex, already_read: bytes | bytearray, response_head: bytes | bytearray
    ) -> Future[str]:
        """
        Writes the response head to a duplicate of the client's socket, then carries websocket messages both ways.

        Gives the reason why it ended. `already_read` is what came behind the head of the client's request.
        """

def decompress(compression: str, block: bytes, limit: SupportsIndex) -> bytes:
    """
    Gives what a block holds that is compressed by lz4, lzo or zstd, at most `limit` bytes.
    """

def probe() -> Offloads:
    """
    Tries what the machine can do without any privilege.
    """

def probe_tun(fd: SupportsIndex) -> TunOffloads:
    """
    Turns on what the kernel does for a TUN that nobody reads yet, and tells it.
    """

def sandbox_main(arguments: SupportsGetItem[int, str]) -> int:
    """
    Runs the process that makes and holds an activity's namespaces; arguments as of `golem_vpn_io::sandbox::main`.
    """

def stack_helper_main(arguments: SupportsGetItem[int, str]) -> int:
    """
    Runs the process that holds the network namespaces of stacks; arguments as of `golem_vpn_io::kernel_stack::main`.
    """
