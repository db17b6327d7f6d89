"""The messages by which nodes find each other and share networks."""

from datetime import datetime

import msgspec

from golem_vpn.net.document import MemberEntry, SignedDocument
from golem_vpn.net.record import SignedRecord
from golem_vpn.net.wire import Message


class Join(Message, frozen=True):
    """Asks a hub to admit the sender; answered by nothing."""

    token: bytes


class Attach(Message, frozen=True):
    """Tells a hub that a member is there; answered by `Attached`."""


class Attached(msgspec.Struct, frozen=True):
    """What a member of a hub has to know."""

    revision: int
    """Rises by one whenever a node is expelled or readmitted while the hub runs."""
    expelled: tuple[str, ...]
    """All nodes that the hub expelled."""


class StandingChanged(Message, frozen=True):
    """Tells a hub's member of a node that was expelled, or readmitted; answered by nothing."""

    revision: int
    node_id: str
    expelled: bool


class Leave(Message, frozen=True):
    """Tells a hub that the sender is its member no more; answered by nothing."""


class LookUp(Message, frozen=True):
    """Asks a hub for the records of nodes, now and whenever they change; answered by the signed records it has."""

    node_ids: tuple[str, ...]


class ListNodes(Message, frozen=True):
    """Asks a hub for its members that follow a node id in order; answered by entries, none at the end."""

    after: str


class NodeEntry(msgspec.Struct, frozen=True):
    """What a hub's list says of a node."""

    node_id: str
    name: str
    roles: tuple[str, ...]
    online: bool
    last_seen: datetime | None


class RecordsChanged(Message, frozen=True):
    """Tells a hub's member of new records of nodes that it asked for; answered by nothing."""

    records: tuple[SignedRecord, ...]


class UpdateNetwork(Message, frozen=True):
    """Tells a node of a network's newest document; answered by `Confirmed`."""

    document: SignedDocument


class AmendNetwork(Message, frozen=True):
    """Tells a node what changed in a network's document since a version; answered by `Confirmed`."""

    network_id: str
    since: int
    version: int
    prefixes: tuple[str, ...]
    changed: tuple[MemberEntry, ...]
    """The members that are new or have other addresses."""
    removed: tuple[str, ...]
    """The node ids of those that are members no more."""
    deleted: bool
    issued_at: int
    signature: bytes
    """The owner's, of the whole new document."""


class Confirmed(msgspec.Struct, frozen=True):
    """Says which version of a network a node knows."""

    version: int


class FetchNetwork(Message, frozen=True):
    """Asks a network's owner for its document; answered by `Fetched`."""

    network_id: str
    known_version: int


class Fetched(msgspec.Struct, frozen=True):
    """A network's document, or nothing where the asker has the newest already."""

    document: SignedDocument | None
