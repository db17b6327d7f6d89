"""Signed node records in the database."""

from collections.abc import Collection

import msgspec
from sqlalchemy import Connection, delete, select
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

    async def change(self, records: Collection[StoredRecord], forgotten: Collection[str]) -> None:
        """Stores records in place of older ones, and drops those of other nodes, in one transaction."""
        statement = insert(NodeRecordRow)
        statement = statement.on_conflict_do_update(
            index_elements=[NodeRecordRow.node_id],
            set_={"issued_at": statement.excluded.issued_at, "signed": statement.excluded.signed},
            where=NodeRecordRow.issued_at < statement.excluded.issued_at,
        )

        def work(connection: Connection) -> None:
            if records:
                connection.execute(statement, [msgspec.structs.asdict(record) for record in records])
            if forgotten:
                connection.execute(delete(NodeRecordRow).where(NodeRecordRow.node_id.in_(forgotten)))

        await self._database.write(work)

    async def all(self) -> list[StoredRecord]:
        """Lists the records."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(NodeRecordRow).order_by(NodeRecordRow.node_id))
            return [StoredRecord(row.node_id, row.issued_at, row.signed) for row in rows]
