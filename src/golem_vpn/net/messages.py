"""The messages by which nodes find each other and share networks."""

from datetime import datetime

import msgspec

from golem_vpn.errors import InvalidInput
from golem_vpn.net.document import MemberEntry, SignedDocument
from golem_vpn.net.record import SignedRecord
from golem_vpn.net.relay_address import RelayOffer, check_offer
from golem_vpn.net.wire import Message

MAX_RELAYS_OF_A_HUB = 32


class Join(Message, frozen=True):
    """Asks a hub to admit the sender; answered by nothing."""

    token: bytes


class RelayEntry(msgspec.Struct, frozen=True, array_like=True):
    """A relay, and the node that runs it."""

    node_id: str
    offer: RelayOffer


class RelayList(msgspec.Struct, frozen=True):
    """All relays of a hub; a list of a lower revision says what was."""

    revision: int
    relays: tuple[RelayEntry, ...]


class Attach(Message, frozen=True):
    """Tells a hub that a member is there; answered by `Attached`."""


class Attached(msgspec.Struct, frozen=True):
    """What a member of a hub has to know."""

    revision: int
    """Rises by one whenever a node is expelled or readmitted while the hub runs."""
    expelled: tuple[str, ...]
    """All nodes that the hub expelled."""
    relays: RelayList


class RelaysChanged(Message, frozen=True):
    """Tells a hub's member which relays there are from now on; answered by nothing."""

    relays: RelayList


class OfferRelay(Message, frozen=True):
    """Tells a hub that the sender, its member, runs a relay; answered by nothing."""

    offer: RelayOffer


class Admitted(msgspec.Struct, frozen=True, array_like=True):
    """By what somebody uses relays; by nothing if he may use them no more."""

    name: str
    """The node id of a member, or the name of a ticket."""
    keys: tuple[bytes, ...] = ()
    """The endpoint and the carrier of a member."""
    passes: tuple[str, ...] = ()
    """What the holders of a ticket say to relays."""


class ListAdmitted(Message, frozen=True):
    """Asks a hub, for one of its relays, who may use relays, by name; answered by a list, empty at the end."""

    after: str


class AdmittedChanged(Message, frozen=True):
    """Tells a hub's relay what changed in that list; answered by nothing."""

    changed: tuple[Admitted, ...]


class Reflect(Message, frozen=True):
    """Asks a relay or hub to tell what address packets come from; answered by `Reflecting`."""


class Reflecting(msgspec.Struct, frozen=True):
    """Where to send what under which index and key, until the reflector restarts."""

    addresses: tuple[str, ...]
    index: int
    key: bytes


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


def check_relay_list(told: RelayList) -> None:
    """Checks what a hub tells of relays.

    Raises:
        InvalidInput: there are too many, or one is not as it must be.
    """
    if len(told.relays) > MAX_RELAYS_OF_A_HUB:
        raise InvalidInput(f"a hub has at most {MAX_RELAYS_OF_A_HUB} relays")
    for entry in told.relays:
        check_offer(entry.offer)
