"""Signed network documents in the database, and who has yet to hear of them."""

from collections.abc import Collection

import msgspec
from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from golem_vpn.store.database import Database
from golem_vpn.store.tables.net import NetworkAudienceRow, NetworkDocumentRow


class StoredDocument(msgspec.Struct, frozen=True):
    """A document in its signed form, with what is searched for."""

    network_id: str
    version: int
    owner: str
    signed: bytes


class Unconfirmed(msgspec.Struct, frozen=True):
    """A node that has yet to hear of the newest version of a network."""

    network_id: str
    node_id: str


class NetworkDocumentRepository:
    """Keeps the newest document of each network."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, document: StoredDocument) -> None:
        """Stores a document in place of the network's older one."""
        await self._database.write(lambda connection: _put(connection, document))

    async def publish(self, document: StoredDocument, newcomers: Collection[str]) -> None:
        """Stores a document, and that new members and those of earlier versions are to be told."""
        rows = [{"network_id": document.network_id, "node_id": node_id, "confirmed": 0} for node_id in newcomers]

        def work(connection: Connection) -> None:
            _put(connection, document)
            if rows:
                connection.execute(insert(NetworkAudienceRow).on_conflict_do_nothing(), rows)

        await self._database.write(work)

    async def all(self) -> list[StoredDocument]:
        """Lists the documents by network id."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(NetworkDocumentRow).order_by(NetworkDocumentRow.network_id))
            return [StoredDocument(row.network_id, row.version, row.owner, row.signed) for row in rows]

    async def unconfirmed(self) -> list[Unconfirmed]:
        """Lists who has yet to hear of what."""
        newest = (NetworkAudienceRow.network_id == NetworkDocumentRow.network_id) & (
            NetworkAudienceRow.confirmed < NetworkDocumentRow.version
        )
        statement = select(NetworkAudienceRow.network_id, NetworkAudienceRow.node_id).join(NetworkDocumentRow, newest)
        async with self._database.reading() as session:
            return [Unconfirmed(*row) for row in await session.execute(statement)]

    async def confirm(self, network_id: str, node_ids: Collection[str], version: int) -> None:
        """Notes the version that some nodes know; where that gets lost they hear of it twice."""
        statement = (
            update(NetworkAudienceRow)
            .where(NetworkAudienceRow.network_id == network_id, NetworkAudienceRow.node_id.in_(node_ids))
            .values(confirmed=func.max(NetworkAudienceRow.confirmed, version))
        )
        await self._database.execute(statement, to_disk=False)

    async def dismiss(self, network_id: str, node_ids: Collection[str], version: int) -> None:
        """Forgets nodes that are to hear no more of a network, unless there is a newer version by now."""
        newer = select(NetworkDocumentRow).where(
            NetworkDocumentRow.network_id == network_id, NetworkDocumentRow.version > version
        )
        statement = delete(NetworkAudienceRow).where(
            NetworkAudienceRow.network_id == network_id, NetworkAudienceRow.node_id.in_(node_ids), ~newer.exists()
        )
        await self._database.execute(statement, to_disk=False)


_row = insert(NetworkDocumentRow)
_newer_row = _row.on_conflict_do_update(
    index_elements=[NetworkDocumentRow.network_id],
    set_={name: _row.excluded[name] for name in ("version", "owner", "signed")},
    where=NetworkDocumentRow.version < _row.excluded.version,
)


def _put(connection: Connection, document: StoredDocument) -> None:
    connection.execute(_newer_row, msgspec.structs.asdict(document))
