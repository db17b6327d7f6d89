"""The hub's members and tickets, and the hubs that this node joined, in the database."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from sqlalchemy import Connection, bindparam, delete, or_, select, update
from sqlalchemy.dialects.sqlite import Insert, insert

from golem_vpn.store.database import Database
from golem_vpn.store.tables.net import HubMemberRow, HubRelayRow, HubTicketRow, JoinedHubRow


class StoredTicket(msgspec.Struct, frozen=True):
    """A ticket that this hub gave out."""

    token_hash: bytes
    relay_pass: str
    """What its holder says to relays, which let in nobody else whom they do not know."""
    created: datetime
    expires: datetime
    uses: int | None
    """How many nodes it admits; any number where there is none."""
    used: int = 0


class StoredMember(msgspec.Struct, frozen=True, kw_only=True):
    """A node that this hub admitted, or expelled."""

    node_id: str
    joined: datetime
    last_seen: datetime | None = None
    token_hash: bytes | None = None
    """The ticket that admitted it; none where the operator did."""
    expelled: datetime | None = None


class StoredHub(msgspec.Struct, frozen=True):
    """A hub that this node joined; as long as there is a token, it has yet to be shown."""

    node_id: str
    endpoint_id: bytes
    addresses: tuple[str, ...]
    token: bytes | None
    relays: bytes = b""
    """Those that it told of last, as `golem_vpn.net` writes them; nothing before it told of any."""


class HubRepository:
    """Keeps who may use this hub."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_ticket(self, ticket: StoredTicket) -> None:
        """Stores a ticket."""
        async with self._database.transaction() as session:
            session.add(HubTicketRow(**msgspec.structs.asdict(ticket)))

    async def tickets(self) -> list[StoredTicket]:
        """Lists the tickets, oldest first."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(HubTicketRow).order_by(HubTicketRow.created, HubTicketRow.token_hash))
            return [_ticket_of(row) for row in rows]

    async def drop_tickets(self, expired_before: datetime) -> None:
        """Forgets tickets that are good no more."""
        async with self._database.transaction() as session:
            await session.execute(delete(HubTicketRow).where(HubTicketRow.expires <= expired_before))

    async def revoke_ticket(self, token_hash: bytes) -> None:
        """Forgets a ticket."""
        async with self._database.transaction() as session:
            await session.execute(delete(HubTicketRow).where(HubTicketRow.token_hash == token_hash))

    async def redeem(self, token_hash: bytes, member: StoredMember) -> bool:
        """Stores a member that shows a ticket, and counts the use; tells whether the ticket was good."""
        ticket = HubTicketRow
        good = (ticket.token_hash == token_hash, ticket.expires > member.joined)
        left = or_(ticket.uses.is_(None), ticket.used < ticket.uses)
        count = update(ticket).where(*good, left).values(used=ticket.used + 1).returning(ticket.token_hash)

        def work(connection: Connection) -> bool:
            is_good = connection.scalars(count).first() is not None
            if is_good:
                connection.execute(_put(member))
            return is_good

        return await self._database.write(work)

    async def put_member(self, member: StoredMember, revoked_ticket: bytes | None = None) -> None:
        """Stores a member in place of what was known of it, and forgets a ticket in the same moment."""
        async with self._database.transaction() as session:
            await session.execute(_put(member))
            await session.execute(delete(HubTicketRow).where(HubTicketRow.token_hash == revoked_ticket))

    async def remove_member(self, node_id: str) -> None:
        """Forgets a member."""
        async with self._database.transaction() as session:
            await session.execute(delete(HubMemberRow).where(HubMemberRow.node_id == node_id))

    async def note_seen(self, seen: Mapping[str, datetime]) -> None:
        """Notes when members were there."""
        found = update(HubMemberRow).where(HubMemberRow.node_id == bindparam("seen"))
        rows = [{"seen": node_id, "moment": moment} for node_id, moment in seen.items()]
        if rows:
            statement = found.values(last_seen=bindparam("moment"))
            await self._database.execute(statement, rows)

    async def members(self) -> list[StoredMember]:
        """Lists whom this hub admitted or expelled, by node id."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(HubMemberRow).order_by(HubMemberRow.node_id))
            return [
                StoredMember(
                    node_id=row.node_id,
                    joined=row.joined,
                    last_seen=row.last_seen,
                    token_hash=row.token_hash,
                    expelled=row.expelled,
                )
                for row in rows
            ]

    async def put_relay(self, node_id: str, offer: bytes) -> None:
        """Stores the relay that a member runs, in place of another one."""
        statement = insert(HubRelayRow).values(node_id=node_id, offer=offer)
        statement = statement.on_conflict_do_update(index_elements=[HubRelayRow.node_id], set_={"offer": offer})
        async with self._database.transaction() as session:
            await session.execute(statement)

    async def remove_relay(self, node_id: str) -> None:
        """Forgets the relay of a member."""
        async with self._database.transaction() as session:
            await session.execute(delete(HubRelayRow).where(HubRelayRow.node_id == node_id))

    async def relays(self) -> dict[str, bytes]:
        """Gives the relays by the node ids of the members that run them."""
        async with self._database.reading() as session:
            return {row.node_id: row.offer for row in await session.scalars(select(HubRelayRow))}


class JoinedHubRepository:
    """Keeps the hubs that this node joined."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, hub: StoredHub) -> None:
        """Stores a hub in place of what was known of it."""
        values = {
            "endpoint_id": hub.endpoint_id,
            "addresses": " ".join(hub.addresses),
            "token": hub.token,
            "relays": hub.relays,
        }
        statement = insert(JoinedHubRow).values(node_id=hub.node_id, **values)
        statement = statement.on_conflict_do_update(index_elements=[JoinedHubRow.node_id], set_=values)
        async with self._database.transaction() as session:
            await session.execute(statement)

    async def remove(self, node_id: str) -> None:
        """Forgets a hub."""
        async with self._database.transaction() as session:
            await session.execute(delete(JoinedHubRow).where(JoinedHubRow.node_id == node_id))

    async def all(self) -> list[StoredHub]:
        """Lists the hubs by node id."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(JoinedHubRow).order_by(JoinedHubRow.node_id))
            return [
                StoredHub(row.node_id, row.endpoint_id, tuple(row.addresses.split()), row.token, row.relays)
                for row in rows
            ]


def _ticket_of(row: HubTicketRow) -> StoredTicket:
    return StoredTicket(row.token_hash, row.relay_pass, row.created, row.expires, row.uses, row.used)


def _put(member: StoredMember) -> Insert:
    values = msgspec.structs.asdict(member)
    statement = insert(HubMemberRow).values(**values)
    return statement.on_conflict_do_update(index_elements=[HubMemberRow.node_id], set_=values)
