"""The hub: who may find whom. Nodes join with a ticket; members may list each other and look each other up."""

import secrets
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import anyio
import structlog

from golem_vpn.errors import Forbidden, GolemVpnError, InvalidInput
from golem_vpn.net.control import Control
from golem_vpn.net.messages import Join, ListNodes, LookUp, NodeEntry, RecordChanged
from golem_vpn.net.record import KnownRecord, NodeRecord, SignedRecord
from golem_vpn.net.records import KeptRecords
from golem_vpn.net.ticket import TOKEN_LENGTH, Ticket, token_hash
from golem_vpn.store.hubs import HubRepository

TICKET_LIFETIME = timedelta(days=30)
PAGE = 256
"""How many nodes one answer lists."""
MAX_LOOKUP = 64
MAX_INTERESTS = 200_000
"""How many questions after nodes are remembered, so that their changes can be told."""
MAX_TELLING_AT_ONCE = 32

_log = structlog.get_logger(__name__)


class Hub:
    """Answers the members, and tells them what changed."""

    def __init__(self, control: Control, records: KeptRecords, repository: HubRepository) -> None:
        self._control = control
        self._records = records
        self._repository = repository
        self._last_seen: dict[str, datetime] = {}
        self._asked_by: defaultdict[str, set[str]] = defaultdict(set)
        self._interests = 0
        self._seen: set[str] = set()
        self._changed: set[str] = set()
        self._work = anyio.Event()
        control.on(Join)(self._join)
        control.on(LookUp)(self._look_up)
        control.on(ListNodes)(self._list)
        control.on_presence(self._on_presence)
        control.book.on_change(self._on_record)

    async def open(self) -> None:
        """Recalls the members."""
        await self._repository.drop_tickets(datetime.now(UTC))
        for member in await self._repository.members():
            self._last_seen[member.node_id] = member.last_seen
            self._records.keep("hub", member.node_id)

    def has_member(self, node_id: str) -> bool:
        """Tells whether a node may ask this hub, as it may itself."""
        return node_id in self._last_seen or node_id == self._control.node_id

    async def issue_ticket(self, lifetime: timedelta = TICKET_LIFETIME) -> Ticket:
        """Makes a ticket that any number of nodes may use until it expires."""
        record = self._control.own_record.current().record
        expires = datetime.now(UTC) + lifetime
        token = secrets.token_bytes(TOKEN_LENGTH)
        await self._repository.add_ticket(token_hash(token), expires)
        return Ticket(record.node_id, record.endpoint_id, record.control_addresses, token, int(expires.timestamp()))

    async def run(self) -> None:
        """Stores who was seen, and tells members what changed."""
        while True:
            await self._work.wait()
            self._work = anyio.Event()
            seen, self._seen = self._seen, set()
            changed, self._changed = self._changed, set()
            for node_id in seen:
                await self._repository.note_seen(node_id, self._last_seen[node_id])
            await self._tell([known for node_id in changed if (known := self._control.book.find(node_id))])

    async def _join(self, sender: str, message: Join) -> None:
        now = datetime.now(UTC)
        expires = await self._repository.ticket_expiry(token_hash(message.token))
        if expires is None or expires <= now:
            raise Forbidden("the hub does not know this ticket, or it expired")
        await self._repository.add_member(sender, now)
        self._last_seen[sender] = now
        self._records.keep("hub", sender)
        self._note_change(sender)
        _log.info("hub.joined", node=sender)

    async def _look_up(self, sender: str, message: LookUp) -> list[SignedRecord]:
        self._check_member(sender)
        if len(message.node_ids) > MAX_LOOKUP:
            raise InvalidInput(f"a lookup asks for at most {MAX_LOOKUP} nodes")
        for node_id in message.node_ids:
            self._note_interest(sender, node_id)
        found = [self._member_record(node_id) for node_id in message.node_ids]
        return [known.signed for known in found if known is not None]

    async def _list(self, sender: str, message: ListNodes) -> list[NodeEntry]:
        self._check_member(sender)
        members = sorted({*self._last_seen, self._control.node_id})
        following = [node_id for node_id in members if node_id > message.after]
        return [self._entry(node_id) for node_id in following[:PAGE]]

    def _entry(self, node_id: str) -> NodeEntry:
        known = self._member_record(node_id)
        online = node_id == self._control.node_id or node_id in self._control.connected
        return NodeEntry(
            node_id=node_id,
            name=known.record.name if known else "",
            roles=known.record.roles if known else (),
            online=online,
            last_seen=datetime.now(UTC) if online else self._last_seen[node_id],
        )

    def _member_record(self, node_id: str) -> KnownRecord | None:
        if node_id in self._control.identities:
            return self._control.own_record.current()
        known = self._control.book.find(node_id)
        # A stranger who said hello is in the book too, but not of this hub.
        return known if known is not None and known.record.node_id in self._last_seen else None

    def _check_member(self, sender: str) -> None:
        if not self.has_member(sender):
            raise Forbidden("only members of this hub may ask; join it with a ticket first")

    def _note_interest(self, member: str, node_id: str) -> None:
        asked_by = self._asked_by[node_id]
        if member not in asked_by and self._interests < MAX_INTERESTS:
            asked_by.add(member)
            self._interests += 1

    def _on_presence(self, node_id: str, connected: bool) -> None:
        if node_id not in self._last_seen:
            return
        self._last_seen[node_id] = datetime.now(UTC)
        self._seen.add(node_id)
        self._work.set()
        if not connected:
            self._forget_interests(node_id)

    def _forget_interests(self, member: str) -> None:
        for node_id, asked_by in tuple(self._asked_by.items()):
            self._interests -= member in asked_by
            asked_by.discard(member)
            if not asked_by:
                del self._asked_by[node_id]

    def _on_record(self, _old: NodeRecord | None, new: KnownRecord) -> None:
        if new.record.node_id in self._last_seen:
            self._note_change(new.record.node_id)

    def _note_change(self, node_id: str) -> None:
        self._changed.add(node_id)
        self._work.set()

    async def _tell(self, changed: list[KnownRecord]) -> None:
        limiter = anyio.CapacityLimiter(MAX_TELLING_AT_ONCE)

        async def tell(member: str, signed: SignedRecord) -> None:
            async with limiter:
                try:
                    await self._control.request(member, RecordChanged(signed), type(None))
                except GolemVpnError as error:
                    _log.info("hub.change_not_told", node=member, error=error.message)

        async with anyio.create_task_group() as tasks:
            for known in changed:
                asked_by = {asker for node_id in known.record.identities for asker in self._asked_by.get(node_id, ())}
                for member in asked_by & set(self._control.connected) - {known.record.node_id}:
                    tasks.start_soon(tell, member, known.signed)
