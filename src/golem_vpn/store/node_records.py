"""Signed node records in the database."""

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert

from golem_vpn.store.database import Database
from golem_vpn.store.tables.net import NodeRecordRow


class StoredRecord(msgspec.Struct, frozen=True):
    """A node's record in its signed form."""

    node_id: str
    issued_at: int
    signed: bytes


class NodeRecordRepository:
    """Keeps the newest record of each node."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, record: StoredRecord) -> None:
        """Stores a record in place of an older one."""
        statement = insert(NodeRecordRow).values(
            node_id=record.node_id, issued_at=record.issued_at, signed=record.signed
        )
        statement = statement.on_conflict_do_update(
            index_elements=[NodeRecordRow.node_id],
            set_={"issued_at": statement.excluded.issued_at, "signed": statement.excluded.signed},
            where=NodeRecordRow.issued_at < statement.excluded.issued_at,
        )
        async with self._database.transaction() as session:
            await session.execute(statement)

    async def all(self) -> list[StoredRecord]:
        """Lists the records."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(NodeRecordRow).order_by(NodeRecordRow.node_id))
            return [StoredRecord(row.node_id, row.issued_at, row.signed) for row in rows]

    async def forget(self, node_id: str) -> None:
        """Drops the record of a node."""
        async with self._database.transaction() as session:
            await session.execute(delete(NodeRecordRow).where(NodeRecordRow.node_id == node_id))
