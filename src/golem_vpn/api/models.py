"""The JSON of the API, where no service has a type of its own for it."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec


class NewNetwork(msgspec.Struct, frozen=True):
    """A network to make."""

    ip: str
    """The range, with a prefix length (`192.168.0.0/24`, `fd00::/64`) or without (then see `mask`)."""
    mask: str | None = None
    """For IPv4 without a prefix length; 255.255.255.0 where it is not given."""
    gateway: str | None = None
    """The first host where it is not given."""


class Address(msgspec.Struct, frozen=True):
    """An address: a bare one in requests, in CIDR form in answers."""

    ip: str


class Caller(msgspec.Struct, frozen=True):
    """Whose application key the request came with."""

    identity: str
    name: str
    role: str


class Release(msgspec.Struct, frozen=True, rename="camel"):
    """A release of the daemon."""

    version: str
    """The release of yagna whose REST API this daemon speaks; SDKs compare it."""
    name: str
    """The daemon's own name and version."""
    seen: bool
    release_ts: datetime
    insertion_ts: datetime
    update_ts: datetime | None


class VersionInfo(msgspec.Struct, frozen=True):
    """The release that runs, and the one that waits to be installed."""

    current: Release
    pending: Release | None


class NetStatus(msgspec.Struct, frozen=True, rename="camel"):
    """How this node takes part in Golem Net."""

    node_id: str
    listen_ip: str | None
    public_ip: str | None
    sessions: int


class NewAppKey(msgspec.Struct, frozen=True, rename="camel"):
    """An application key to make."""

    name: str
    identity: str | None = None
    """The daemon's default identity where it is not given."""
    allow_origins: tuple[str, ...] = ()
    """Web origins whose pages may use the key; `*` for any."""


class AppKeyInfo(msgspec.Struct, frozen=True, rename="camel"):
    """An application key without its secret."""

    name: str
    identity: str
    allow_origins: tuple[str, ...]
    created: datetime


class AppKeyWithSecret(msgspec.Struct, frozen=True, rename="camel"):
    """A new application key; the daemon itself keeps only its hash."""

    name: str
    identity: str
    allow_origins: tuple[str, ...]
    created: datetime
    key: str


class IdentityInfo(msgspec.Struct, frozen=True, rename="camel"):
    """An identity of this daemon."""

    node_id: str
    name: str
    is_default: bool


class NewIdentity(msgspec.Struct, frozen=True):
    """An identity to make."""

    name: str


class NodeInfo(msgspec.Struct, frozen=True, rename="camel"):
    """A node as the joined hubs know it."""

    node_id: str
    name: str
    roles: tuple[str, ...]
    online: bool
    last_seen: datetime | None


class LinkInfo(msgspec.Struct, frozen=True, rename="camel"):
    """How packets of one network reach a peer."""

    network_id: str
    address: str | None = None
    """Where its newest packet came from."""
    cipher: str | None = None
    """That of the session; there is none before the first packet."""
    session_age: float | None = None
    """In seconds."""
    packets_in: int = 0
    bytes_in: int = 0
    packets_out: int = 0
    bytes_out: int = 0


class PathInfo(msgspec.Struct, frozen=True, rename="camel"):
    """The way that packets take to a peer; null where a field does not apply."""

    kind: Literal["direct", "relayed", "none"]
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


class CandidateInfo(msgspec.Struct, frozen=True):
    """An address of a peer, and what came of trying it."""

    address: str
    source: str
    """How it became known: `interface`, `reflected`, `mapped`, `configured` or `peer`."""
    result: str | None = None


class PeerInfo(msgspec.Struct, frozen=True, rename="camel"):
    """A node that shares a network with this one."""

    node_id: str
    name: str
    path: PathInfo
    candidates: tuple[CandidateInfo, ...] = ()
    bytes_in: int = 0
    bytes_out: int = 0
    packets_in: int = 0
    packets_out: int = 0
    online: bool = False
    """Whether a control connection stands."""
    silent_for: float | None = None
    """Seconds since its newest packet."""
    networks: tuple[LinkInfo, ...] = ()


class TicketText(msgspec.Struct, frozen=True):
    """What another node needs to join."""

    ticket: str


class TicketInfo(msgspec.Struct, frozen=True, rename="camel"):
    """A ticket of this daemon's hub, without its secret."""

    ticket_id: str
    expires: datetime
    uses: int | None
    """How many nodes it admits; any number where there is none."""
    used: int


class NewTicket(TicketInfo, frozen=True, rename="camel"):
    """A ticket of this daemon's hub, as it is shown this once."""

    ticket: str


class HubToLeave(msgspec.Struct, frozen=True):
    """A hub to leave."""

    hub: str | None = None
    """The only one where it is not given."""


class LeftHub(msgspec.Struct, frozen=True):
    """The hub that was left."""

    hub: str


class HubNodeInfo(msgspec.Struct, frozen=True, rename="camel"):
    """A node that this daemon's hub admitted, or expelled."""

    node_id: str
    name: str
    roles: tuple[str, ...]
    online: bool
    joined: datetime
    last_seen: datetime | None
    """Null before it came for the first time."""
    ticket_id: str | None
    """The ticket that admitted it; null where the operator did."""
    expelled: datetime | None


class Expulsion(msgspec.Struct, frozen=True, rename="camel"):
    """What became void with a node that was expelled."""

    revoked_ticket_id: str | None


class NewAttachment(msgspec.Struct, frozen=True, rename="camel"):
    """A network to make this machine a member of."""

    network_id: str
    interface: str = "vpn0"


class NewAgreement(msgspec.Struct, frozen=True, rename="camel"):
    """An agreement to get."""

    provider_id: str
    demand_properties: dict[str, Any] = {}
    """As in a demand of the Market API, such as `golem.srv.comp.task_package`."""


class NewActivity(msgspec.Struct, frozen=True, rename="camel"):
    """An activity to make."""

    agreement_id: str


class CreatedActivity(msgspec.Struct, frozen=True, rename="camel"):
    """A new activity."""

    activity_id: str
    credentials: None = None


class Script(msgspec.Struct, frozen=True):
    """A batch of commands."""

    text: str
    """The JSON text of a list of objects with one key each: `[{"deploy": {}}, {"start": {}}]`."""


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
