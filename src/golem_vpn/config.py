"""What a daemon is told when it starts."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from golem_vpn.errors import ConfigurationError

DEFAULT_API_PORT = 7465
DEFAULT_LISTEN_PORT = 11500
DEFAULT_RELAY_PORT = 7464
DEFAULT_PAYMENT_PLATFORMS = (
    *(f"erc20-{net}-tglm" for net in ("holesky", "hoodi", "sepolia", "goerli", "mumbai", "amoy", "rinkeby")),
    *(f"erc20-{net}-glm" for net in ("mainnet", "polygon")),
)
"""Those that Golem's applications ask for."""


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port to listen at; port 0 means any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Reads `HOST:PORT`, with an IPv6 host in brackets.

        Raises:
            ConfigurationError: the text is of another form, or the port is above 65535.
        """
        match = re.fullmatch(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<host>[^:\[\]]+)):(?P<port>\d{1,5})", text)
        if match is None or int(match["port"]) > 65535:
            raise ConfigurationError(f"expected HOST:PORT, got {text!r}")
        return cls(match["six"] or match["host"], int(match["port"]))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class RelayConfig:
    """The options of the relay that a daemon runs."""

    listen: Address
    """The TCP port, and the UDP port of the same number."""
    certificate: Path | None = None
    """A chain in PEM; self-made, and kept in the data folder, where there is none."""
    key: Path | None = None
    bytes_per_second: int | None = None
    """What each client may send."""
    public_addresses: tuple[Address, ...] = ()
    """Where others reach it, if not at the machine's own addresses."""


@dataclass(frozen=True, slots=True)
class PacketOptions:
    """How a daemon carries packets."""

    cipher: str | None = None
    """The only cipher; where there is none, both, the faster one on this machine first."""
    low_latency: bool = False
    """Whether the packet thread stays awake for a moment after each packet, and has real-time priority, if permitted,
    while others want the processors."""
    workers: int | None = None
    """Threads that seal and open beside the packet thread; as many as suit the machine where nothing is said."""
    bytes_per_second: int | None = None
    """What may be sent, with the headers of IP and UDP."""
    without: tuple[str, ...] = ()
    """Techniques that are left out to measure what they are worth, by name."""
    rekey_after: float | None = None
    """Seconds after which a session gets a successor; two minutes where nothing is said."""


@dataclass(frozen=True, slots=True)
class Config:
    """The options of one daemon."""

    data_dir: Path
    """Where keys and the database live; mode 0700."""
    api: Address = Address("127.0.0.1", DEFAULT_API_PORT)
    """Where the REST API and the gate listen."""
    listen: Address = Address("0.0.0.0", DEFAULT_LISTEN_PORT)  # noqa: S104
    """Where other nodes reach this one: control at this UDP port, packets at the next one (both any free one for 0)."""
    public_addresses: tuple[Address, ...] = ()
    """Where `listen` is reached from outside, if not at the machine's own addresses; packets at the next port."""
    relay: RelayConfig | None = None
    """The relay that this daemon runs, if it runs one."""
    relayed_only: bool = False
    """Whether this node shows no address of its own, and packets go through relays alone."""
    packets: PacketOptions = PacketOptions()
    """How this node carries packets."""
    port_mapping: bool = False
    """Whether this node asks its router to open the packet port."""
    user_space_gate: bool = False
    """Whether the gate uses TCP/IP in user space also where it could use the kernel's."""
    hub: bool = False
    """Whether other nodes may join through this one."""
    provider: bool = False
    """Whether this node runs payloads."""
    max_agreements: int = 64
    """How many agreements this provider has at a time."""
    max_activities: int = 64
    """How many activities this provider runs at a time."""
    subnet: str = "public"
    """The part of the market that this provider offers to."""
    name: str = "golem-vpn"
    """What others see beside the node id."""
    payment_platforms: tuple[str, ...] = DEFAULT_PAYMENT_PLATFORMS
    """The names under which the built-in ledger is offered as a means of payment."""
    allow_origins: tuple[str, ...] = ()
    """Web origins that browsers may call the API from; `*` for any."""
    image_cache_bytes: int = 20 << 30
    """How much of the disk a provider keeps unpacked images in."""
    allow_local_urls: bool = False
    """Whether requestors may have this provider fetch from this machine and its network by HTTP."""


class DaemonFile(msgspec.Struct, frozen=True, rename="camel"):
    """What a daemon writes into `daemon.json` of its data folder while it runs, for the command line to find it."""

    api: str
    """`http://host:port`."""
    pid: int
    node_id: str


def default_data_dir() -> Path:
    """Gives the data folder where no option names one: `GOLEM_VPN_DATA_DIR`, else the user's data folder."""
    if named := os.environ.get("GOLEM_VPN_DATA_DIR"):
        return Path(named)
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "golem-vpn"
