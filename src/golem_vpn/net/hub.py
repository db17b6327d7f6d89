"""The hub: who may find whom. Nodes join with a ticket; members may list each other and look each other up."""

import secrets
from collections.abc import KeysView
from datetime import UTC, datetime, timedelta

import anyio
import structlog

from golem_vpn.errors import Forbidden, InvalidInput
from golem_vpn.net.admission import Admission, StandingListener
from golem_vpn.net.admittance import Admittance
from golem_vpn.net.control import Control
from golem_vpn.net.exclusions import Exclusions
from golem_vpn.net.interests import Interests
from golem_vpn.net.messages import Attach, Attached, Join, Leave, ListNodes, LookUp, NodeEntry, StandingChanged
from golem_vpn.net.record import KnownRecord, NodeRecord, SignedRecord
from golem_vpn.net.records import KeptRecords
from golem_vpn.net.relay_address import is_relay
from golem_vpn.net.relay_board import RelayBoard
from golem_vpn.net.telling import Teller
from golem_vpn.net.ticket import MAX_ADDRESSES, TOKEN_LENGTH, Ticket, relay_pass, ticket_relays, token_hash
from golem_vpn.store.hubs import HubRepository, StoredTicket

TICKET_LIFETIME = timedelta(days=30)
PAGE = 256
"""How many nodes one answer lists."""
MAX_LOOKUP = 64
SEEN_SECONDS = 1.0
"""How long it takes at most until it is stored who was seen; a thousand who come at once are one transaction."""

_log = structlog.get_logger(__name__)


class Hub:
    """Answers the members, and tells them what changed."""

    def __init__(
        self, control: Control, records: KeptRecords, exclusions: Exclusions, repository: HubRepository
    ) -> None:
        self.admission = Admission(repository)
        self._control = control
        self._records = records
        self._exclusions = exclusions
        self._interests = Interests()
        self._teller = Teller(control)
        self.relays = RelayBoard(control, self.admission, self._teller, repository)
        self.admittance = Admittance(control, self.admission, self.relays)
        self._revision = 0
        self._seen: set[str] = set()
        self._work = anyio.Event()
        control.on(Join)(self._join)
        control.on(Attach)(self._attach)
        control.on(Leave)(self._leave)
        control.on(LookUp)(self._look_up)
        control.on(ListNodes)(self._list)
        control.on_presence(self._on_presence)
        control.book.on_change(self._on_record)
        self.admission.on_change(self._on_standing)

    @property
    def members(self) -> KeysView[str]:
        """The nodes that may use this hub, without itself."""
        return self.admission.members

    def on_members(self, listener: StandingListener) -> None:
        """Adds a listener that hears of a node that became a member, or is none any more."""
        self.admission.on_change(listener)

    async def open(self) -> None:
        """Recalls the members."""
        await self.admission.open()
        for member in self.members:
            self._records.keep("hub", member)
        await self.relays.open()
        await self.admittance.open()
        own = self._control.node_id
        self._exclusions.vouch(own, (), self.members)
        await self._exclusions.replace(own, self.admission.expelled)

    def has_member(self, node_id: str) -> bool:
        """Tells whether a node may ask this hub, as it may itself."""
        return node_id in self.members or node_id == self._control.node_id

    async def issue_ticket(
        self, lifetime: timedelta = TICKET_LIFETIME, uses: int | None = None
    ) -> tuple[Ticket, StoredTicket]:
        """Makes a ticket that a number of nodes may use, or any number, until it expires."""
        record = self._control.own_record.current().record
        token = secrets.token_bytes(TOKEN_LENGTH)
        stored = await self.admission.issue(token_hash(token), relay_pass(token), lifetime, uses)
        await self.admittance.follow_tickets()
        expires_at = int(stored.expires.timestamp())
        addresses = tuple(address for address in record.control_addresses if not is_relay(address))[:MAX_ADDRESSES]
        relays = ticket_relays(entry.offer for entry in self.relays.relays.relays)
        return Ticket(record.node_id, record.endpoint_id, addresses, token, expires_at, relays), stored

    async def admit(self, node_id: str) -> None:
        """Makes a node a member without a ticket, also one that was expelled."""
        readmitted = node_id in self.admission.expelled
        await self.admission.admit(node_id)
        if readmitted:
            await self._spread(node_id, expelled=False)

    async def expel(self, node_id: str) -> str | None:
        """Sends a node away, has all members shut it out at once, and names the ticket that is void with it.

        Raises:
            InvalidInput: it is the hub itself.
        """
        known = self._control.book.find(node_id)
        node_id = known.record.node_id if known else node_id
        if node_id == self._control.node_id:
            raise InvalidInput("a hub cannot expel itself")
        new = node_id not in self.admission.expelled
        ticket = await self.admission.expel(node_id)
        if new:
            await self._spread(node_id, expelled=True)
        return ticket

    async def run(self) -> None:
        """Stores who was seen, and tells members what changed."""
        async with anyio.create_task_group() as tasks:
            for part in (self._teller, self.relays, self.admittance):
                tasks.start_soon(part.run)
            while True:
                await self._work.wait()
                self._work = anyio.Event()
                await anyio.sleep(SEEN_SECONDS)
                seen, self._seen = self._seen, set()
                await self.admission.store_seen(seen)

    async def _spread(self, node_id: str, *, expelled: bool) -> None:
        self._revision += 1
        self._teller.tell_at_once(self.members, StandingChanged(self._revision, node_id, expelled))
        await self._exclusions.change(self._control.node_id, node_id, expelled=expelled)

    async def _join(self, sender: str, message: Join) -> None:
        await self.admission.redeem(sender, token_hash(message.token))
        self._note_seen(sender)

    async def _attach(self, sender: str, message: Attach) -> Attached:
        self._check_member(sender)
        self._note_seen(sender)
        return Attached(self._revision, tuple(self.admission.expelled), self.relays.relays)

    async def _leave(self, sender: str, message: Leave) -> None:
        await self.admission.leave(sender)

    async def _look_up(self, sender: str, message: LookUp) -> list[SignedRecord]:
        self._check_member(sender)
        if len(message.node_ids) > MAX_LOOKUP:
            raise InvalidInput(f"a lookup asks for at most {MAX_LOOKUP} nodes")
        self._interests.note(sender, message.node_ids)
        found = [self._member_record(node_id) for node_id in message.node_ids]
        return [known.signed for known in found if known is not None]

    async def _list(self, sender: str, message: ListNodes) -> list[NodeEntry]:
        self._check_member(sender)
        # Whom the operator let in beforehand is no news before it comes.
        there = [member.node_id for member in map(self.admission.find, self.members) if member and member.last_seen]
        following = [node_id for node_id in sorted({*there, self._control.node_id}) if node_id > message.after]
        return [self.entry(node_id) for node_id in following[:PAGE]]

    def entry(self, node_id: str) -> NodeEntry:
        """Tells what is known of a node."""
        known = self._control.book.find(node_id)
        online = node_id == self._control.node_id or node_id in self._control.connected
        member = self.admission.find(node_id)
        return NodeEntry(
            node_id=node_id,
            name=known.record.name if known else "",
            roles=known.record.roles if known else (),
            online=online,
            last_seen=datetime.now(UTC) if online else member.last_seen if member else None,
        )

    def _member_record(self, node_id: str) -> KnownRecord | None:
        if node_id in self._control.identities:
            return self._control.own_record.current()
        known = self._control.book.find(node_id)
        # A stranger who said hello is in the book too, but not of this hub.
        return known if known is not None and known.record.node_id in self.members else None

    def _check_member(self, sender: str) -> None:
        if not self.has_member(sender):
            raise Forbidden("only members of this hub may ask; join it with a ticket first")

    def _note_seen(self, node_id: str) -> None:
        self.admission.note_seen(node_id, datetime.now(UTC))
        self._seen.add(node_id)
        self._work.set()

    def _on_presence(self, node_id: str, connected: bool) -> None:
        if node_id in self.members:
            self._note_seen(node_id)
        if not connected:
            self._interests.forget(node_id)

    def _on_record(self, _old: NodeRecord | None, new: KnownRecord) -> None:
        if new.record.node_id in self.members:
            self._tell_of(new.record)

    def _on_standing(self, node_id: str) -> None:
        member = node_id in self.members
        _log.info("hub.admitted" if member else "hub.gone", node=node_id)
        self._exclusions.vouch(self._control.node_id, (node_id,), (node_id,) if member else ())
        if not member:
            self._interests.forget(node_id)
            self._records.release("hub", node_id)
            return
        self._records.keep("hub", node_id)
        if (known := self._control.book.find(node_id)) is not None:
            self._tell_of(known.record)

    def _tell_of(self, record: NodeRecord) -> None:
        askers = set(self._interests.askers(record.identities)) - {record.node_id}
        self._teller.tell_record(askers, record.node_id)
