"""Who may use a hub: its tickets, the nodes that they let in, and the operator's word over both.

An expelled node stays out whatever ticket it shows. The ticket that admitted it is void from then on, as the same
people would come back with it under a new identity.
"""

from collections.abc import Callable, KeysView
from datetime import UTC, datetime, timedelta

import anyio
import msgspec

from golem_vpn.errors import Conflict, Expelled, Forbidden, InvalidInput, NotFound
from golem_vpn.store.hubs import HubRepository, StoredMember, StoredTicket

TICKET_ID_LENGTH = 12
"""The digits of a ticket's hash that name it; the token itself is known to those alone who were given it."""
MAX_EXPELLED = 20_000
"""All of them fit into one message."""

StandingListener = Callable[[str], None]
"""Hears of a node that was let in, left, was expelled or readmitted."""
TicketListener = Callable[[], None]


class Admission:
    """Keeps tickets and members, on the disk and at hand."""

    def __init__(self, repository: HubRepository) -> None:
        self._repository = repository
        self._members: dict[str, StoredMember] = {}
        self._expelled: dict[str, StoredMember] = {}
        self._changing = anyio.Lock()
        self._listeners: list[StandingListener] = []
        self._ticket_listeners: list[TicketListener] = []

    @property
    def members(self) -> KeysView[str]:
        """The nodes that may use the hub."""
        return self._members.keys()

    @property
    def expelled(self) -> KeysView[str]:
        """The nodes that may not, whatever ticket they have."""
        return self._expelled.keys()

    async def open(self) -> None:
        """Recalls whom the hub admitted and expelled."""
        for member in await self._repository.members():
            self._place(member)

    def on_change(self, listener: StandingListener) -> None:
        """Adds a listener."""
        self._listeners.append(listener)

    def on_tickets(self, listener: TicketListener) -> None:
        """Adds a listener that hears when there is another ticket, or one less."""
        self._ticket_listeners.append(listener)

    def find(self, node_id: str) -> StoredMember | None:
        """Finds what is known of a node, member or expelled."""
        return self._members.get(node_id) or self._expelled.get(node_id)

    def all(self) -> list[StoredMember]:
        """Lists members and expelled nodes by node id."""
        known = [*self._members.values(), *self._expelled.values()]
        return sorted(known, key=lambda member: member.node_id)

    async def issue(self, token_hash: bytes, relay_pass: str, lifetime: timedelta, uses: int | None) -> StoredTicket:
        """Stores a ticket that lets a number of nodes in until it expires, or any number."""
        now = datetime.now(UTC)
        await self._repository.drop_tickets(now)
        ticket = StoredTicket(token_hash, relay_pass, now, now + lifetime, uses)
        await self._repository.add_ticket(ticket)
        self._tell_of_tickets()
        return ticket

    async def tickets(self) -> list[StoredTicket]:
        """Lists the tickets that are good, or used up before their time."""
        await self._repository.drop_tickets(datetime.now(UTC))
        return await self._repository.tickets()

    async def revoke(self, text: str) -> str:
        """Makes a ticket void, and gives its name; whom it let in stays a member.

        Raises:
            NotFound: there is no ticket of that name, or more than one.
        """
        named = [ticket for ticket in await self.tickets() if ticket.token_hash.hex().startswith(text.lower())]
        if len(named) != 1 or not text:
            raise NotFound(f"there is no ticket {text[:64]!r}; `golem-vpn hub tickets` lists those that are valid")
        await self._repository.revoke_ticket(named[0].token_hash)
        self._tell_of_tickets()
        return ticket_name(named[0].token_hash)

    async def redeem(self, node_id: str, token_hash: bytes) -> None:
        """Lets a node in that shows a ticket; a member needs none, so that one whose answer was lost may ask again.

        Raises:
            Expelled: the node was.
            Forbidden: the ticket is not good.
        """
        async with self._changing:
            if node_id in self._expelled:
                raise Expelled("the operator of this hub expelled this node")
            if node_id in self._members:
                return
            now = datetime.now(UTC)
            member = StoredMember(node_id=node_id, joined=now, last_seen=now, token_hash=token_hash)
            if not await self._repository.redeem(token_hash, member):
                raise Forbidden("the hub does not know this ticket: it expired, is used up, or was revoked")
            self._change(member)

    async def admit(self, node_id: str) -> None:
        """Makes a node a member that shows no ticket, or was expelled; a member stays one."""
        async with self._changing:
            if node_id not in self._members:
                member = StoredMember(node_id=node_id, joined=datetime.now(UTC))
                await self._repository.put_member(member)
                self._change(member)

    async def expel(self, node_id: str) -> str | None:
        """Sends a node away for good, also one that never came, and names the ticket that is void with it.

        Raises:
            Conflict: as many nodes are expelled as a hub can tell of.
        """
        async with self._changing:
            if node_id in self._expelled:
                return None
            if len(self._expelled) >= MAX_EXPELLED:
                raise Conflict(f"a hub expels at most {MAX_EXPELLED} nodes; admit some again, or begin a new hub")
            now = datetime.now(UTC)
            known = self._members.get(node_id) or StoredMember(node_id=node_id, joined=now)
            expelled = msgspec.structs.replace(known, token_hash=None, expelled=now)
            await self._repository.put_member(expelled, revoked_ticket=known.token_hash)
            self._change(expelled)
            self._tell_of_tickets()
            return ticket_name(known.token_hash) if known.token_hash else None

    async def leave(self, node_id: str) -> None:
        """Lets a member go; with a good ticket it may come again.

        Raises:
            InvalidInput: it is none.
        """
        async with self._changing:
            if node_id not in self._members:
                raise InvalidInput(f"{node_id} is no member of this hub")
            await self._repository.remove_member(node_id)
            del self._members[node_id]
            self._tell(node_id)

    def note_seen(self, node_id: str, now: datetime) -> None:
        """Notes that a member is there; `store_seen` makes it last."""
        self._members[node_id] = msgspec.structs.replace(self._members[node_id], last_seen=now)

    async def store_seen(self, node_ids: set[str]) -> None:
        """Stores when these members were there."""
        present = [member for node_id in node_ids if (member := self._members.get(node_id))]
        await self._repository.note_seen({it.node_id: it.last_seen for it in present if it.last_seen})

    def _change(self, member: StoredMember) -> None:
        self._place(member)
        self._tell(member.node_id)

    def _place(self, member: StoredMember) -> None:
        here, there = (self._expelled, self._members) if member.expelled else (self._members, self._expelled)
        here[member.node_id] = member
        there.pop(member.node_id, None)

    def _tell(self, node_id: str) -> None:
        for listener in tuple(self._listeners):
            listener(node_id)

    def _tell_of_tickets(self) -> None:
        for listener in tuple(self._ticket_listeners):
            listener()


def ticket_name(token_hash: bytes) -> str:
    """Gives the name by which the operator revokes a ticket."""
    return token_hash.hex()[:TICKET_ID_LENGTH]
