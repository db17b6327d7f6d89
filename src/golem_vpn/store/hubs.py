"""The hub's members and tickets, and the hubs that this node joined, in the database."""

from datetime import datetime

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.sqlite import insert

from golem_vpn.store.database import Database
from golem_vpn.store.tables.net import HubMemberRow, HubTicketRow, JoinedHubRow


class StoredMember(msgspec.Struct, frozen=True):
    """A node that joined this hub."""

    node_id: str
    last_seen: datetime


class StoredHub(msgspec.Struct, frozen=True):
    """A hub that this node joined; as long as there is a token, it has yet to be shown."""

    node_id: str
    endpoint_id: bytes
    addresses: tuple[str, ...]
    token: bytes | None


class HubRepository:
    """Keeps who may use this hub."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_ticket(self, token_hash: bytes, expires: datetime) -> None:
        """Stores a ticket."""
        async with self._database.transaction() as session:
            session.add(HubTicketRow(token_hash=token_hash, expires=expires))

    async def ticket_expiry(self, token_hash: bytes) -> datetime | None:
        """Tells until when a ticket is good, if there is such a ticket."""
        async with self._database.reading() as session:
            return await session.scalar(select(HubTicketRow.expires).where(HubTicketRow.token_hash == token_hash))

    async def drop_tickets(self, expired_before: datetime) -> None:
        """Forgets tickets that are good no more."""
        async with self._database.transaction() as session:
            await session.execute(delete(HubTicketRow).where(HubTicketRow.expires < expired_before))

    async def add_member(self, node_id: str, now: datetime) -> None:
        """Stores a member; one that is there stays as it is."""
        statement = insert(HubMemberRow).values(node_id=node_id, joined=now, last_seen=now)
        async with self._database.transaction() as session:
            await session.execute(statement.on_conflict_do_nothing())

    async def note_seen(self, node_id: str, now: datetime) -> None:
        """Notes when a member was there."""
        async with self._database.transaction() as session:
            await session.execute(update(HubMemberRow).where(HubMemberRow.node_id == node_id).values(last_seen=now))

    async def members(self) -> list[StoredMember]:
        """Lists the members by node id."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(HubMemberRow).order_by(HubMemberRow.node_id))
            return [StoredMember(row.node_id, row.last_seen) for row in rows]


class JoinedHubRepository:
    """Keeps the hubs that this node joined."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, hub: StoredHub) -> None:
        """Stores a hub in place of what was known of it."""
        values = {"endpoint_id": hub.endpoint_id, "addresses": " ".join(hub.addresses), "token": hub.token}
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
            return [StoredHub(row.node_id, row.endpoint_id, tuple(row.addresses.split()), row.token) for row in rows]
