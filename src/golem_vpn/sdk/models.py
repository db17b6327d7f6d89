"""What the daemon answers, as the SDK gives it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec


class Caller(msgspec.Struct, frozen=True):
    """Whose application key the client uses."""

    identity: str
    name: str
    role: str


class Network(msgspec.Struct, frozen=True):
    """A virtual network."""

    id: str
    ip: str
    """The range in CIDR form."""
    mask: str
    gateway: str


class Address(msgspec.Struct, frozen=True):
    """An address of the caller in a network, in CIDR form."""

    ip: str


class NetworkNode(msgspec.Struct, frozen=True):
    """One address of one node."""

    id: str
    ip: str


class Connection(msgspec.Struct, frozen=True, rename="camel"):
    """A connection from the daemon into a network."""

    protocol: int
    local_ip: str
    local_port: int
    remote_ip: str
    remote_port: int


class NetStatus(msgspec.Struct, frozen=True, rename="camel"):
    """How the daemon takes part in Golem Net."""

    node_id: str
    listen_ip: str | None
    public_ip: str | None
    sessions: int


class AppKey(msgspec.Struct, frozen=True, rename="camel"):
    """An application key; its secret is known once, when it is made."""

    name: str
    identity: str
    allow_origins: tuple[str, ...]
    created: datetime
    key: str | None = None


class Identity(msgspec.Struct, frozen=True, rename="camel"):
    """An identity of the daemon."""

    node_id: str
    name: str
    is_default: bool


class Node(msgspec.Struct, frozen=True, rename="camel"):
    """A node as the joined hubs know it."""

    node_id: str
    name: str
    roles: tuple[str, ...]
    online: bool
    last_seen: datetime | None


class Ticket(msgspec.Struct, frozen=True, rename="camel"):
    """A ticket of the daemon's hub; its text is known once, when it is made."""

    ticket_id: str
    expires: datetime
    uses: int | None
    used: int
    ticket: str | None = None


class HubNode(msgspec.Struct, frozen=True, rename="camel"):
    """A node that the daemon's hub admitted, or expelled."""

    node_id: str
    name: str
    roles: tuple[str, ...]
    online: bool
    joined: datetime
    last_seen: datetime | None
    ticket_id: str | None
    expelled: datetime | None


class Path(msgspec.Struct, frozen=True, rename="camel"):
    """The way that packets take to a peer; None where a field does not apply."""

    kind: str
    """`direct`, `relayed` or `none`."""
    address: str | None = None
    """Where packets of a direct path go."""
    relay: str | None = None
    """What carries packets of a relayed path."""
    since: datetime | None = None
    rtt_ms: float | None = None
    loss_percent: float | None = None
    mtu: int | None = None
    """The bytes of the longest packet that was proven to pass."""
    reason: str | None = None
    """In words, why the path is not direct."""
    next_try: datetime | None = None
    """When a direct path is tried again."""


class Candidate(msgspec.Struct, frozen=True):
    """An address of a peer, and what came of trying it."""

    address: str
    source: str
    result: str | None = None


class Peer(msgspec.Struct, frozen=True, rename="camel"):
    """A node that shares a network with the daemon."""

    node_id: str
    name: str
    path: Path
    candidates: tuple[Candidate, ...] = ()
    bytes_in: int = 0
    bytes_out: int = 0
    packets_in: int = 0
    packets_out: int = 0
    online: bool = False
    """Whether a control connection stands."""


class Relay(msgspec.Struct, frozen=True, rename="camel"):
    """A relay of the joined hubs, and how the daemon does with it."""

    url: str
    node_id: str
    """The node that runs it."""
    own: bool
    state: str
    """`connected`, `connecting`, `failed`, or `unused` where nearer ones are in use."""
    rtt_ms: float | None = None
    failure: str | None = None


class Attachment(msgspec.Struct, frozen=True, rename="camel"):
    """The interface of the daemon's machine in a network."""

    network_id: str
    interface: str
    addresses: tuple[str, ...]


class Agreement(msgspec.Struct, frozen=True, rename="camel"):
    """An agreement with a provider."""

    agreement_id: str
    state: str
    valid_to: datetime
    demand: dict[str, Any] = {}
    offer: dict[str, Any] = {}
    reason: str | None = None

    @property
    def provider_id(self) -> str:
        """The provider's node id."""
        return str(self.offer["providerId"])


class CommandResult(msgspec.Struct, frozen=True, rename="camel"):
    """What came of one command of a batch."""

    index: int
    event_date: datetime
    result: str
    """`Ok` or `Error`."""
    stdout: str | list[int] | None = None
    stderr: str | list[int] | None = None
    message: str | None = None
    is_batch_finished: bool = False


class ActivityState(msgspec.Struct, frozen=True, rename="camel"):
    """Where an activity stands, and where it is on its way to."""

    state: tuple[str, str | None]
    reason: str | None = None
    error_message: str | None = None


class Usage(msgspec.Struct, frozen=True, rename="camel"):
    """What an activity has used, in the order of the agreement's usage vector."""

    current_usage: tuple[float, ...]
    timestamp: int


class Image(msgspec.Struct, frozen=True, rename="camel"):
    """An image of the daemon's registry."""

    hash: str
    size: int
    created: str
    tags: tuple[str, ...]
    url: str
    task_package: str
    """What a demand names, in the property `golem.srv.comp.task_package`."""


class ProviderStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How this node does as a provider."""

    paused: bool
    subnet: str
    agreements: int
    """In force."""
    max_agreements: int
    offers: dict[str, str]
    """The ids of the present offers, by preset."""
    settings: str
    """The file that the owner edits."""
    complaint: str | None
    """What is wrong with that file, if something is."""


class PresetInfo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A kind of offer; prices in GLM."""

    name: str
    runtime: str
    active: bool
    start_price: Decimal
    hour_price: Decimal
    cpu_hour_price: Decimal
    threads: int
    """What the offer says, as the following two."""
    memory_gib: float
    storage_gib: float


class OfferedFile(msgspec.Struct, frozen=True):
    """A file of the daemon's machine, and the URL by which other nodes fetch it or hand it over."""

    file: str
    url: str
