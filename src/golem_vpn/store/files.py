"""Published and awaited files in the database."""

from datetime import datetime

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert

from golem_vpn.store.database import Database
from golem_vpn.store.tables.files import AwaitedFileRow, PublishedFileRow


class StoredPublication(msgspec.Struct, frozen=True, kw_only=True):
    """A file that others may fetch."""

    owner: str
    name: str
    path: str
    size: int
    modified: int
    """Nanoseconds since 1970."""
    digest: str
    created: datetime


class StoredAwaited(msgspec.Struct, frozen=True, kw_only=True):
    """A place that waits for a file."""

    owner: str
    name: str
    path: str
    created: datetime


class FileRepository:
    """Keeps what is behind the URLs of this node."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def publish(self, file: StoredPublication) -> None:
        """Stores a published file in place of what its path held before."""
        values = msgspec.structs.asdict(file)
        keys = [PublishedFileRow.owner, PublishedFileRow.name, PublishedFileRow.path]
        statement = insert(PublishedFileRow).values(**values)
        async with self._database.transaction() as session:
            await session.execute(statement.on_conflict_do_update(index_elements=keys, set_=values))

    async def wait_for(self, file: StoredAwaited) -> None:
        """Stores an awaited file."""
        async with self._database.transaction() as session:
            session.add(AwaitedFileRow(**msgspec.structs.asdict(file)))

    async def release(self, owner: str, name: str) -> None:
        """Forgets what is behind a URL."""
        async with self._database.transaction() as session:
            for table in (PublishedFileRow, AwaitedFileRow):
                await session.execute(delete(table).where(table.owner == owner, table.name == name))

    async def published(self) -> list[StoredPublication]:
        """Lists the published files, oldest first."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(PublishedFileRow).order_by(PublishedFileRow.created))
            return [msgspec.convert(row, StoredPublication, from_attributes=True) for row in rows]

    async def awaited(self) -> list[StoredAwaited]:
        """Lists the awaited files, oldest first."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(AwaitedFileRow).order_by(AwaitedFileRow.created))
            return [msgspec.convert(row, StoredAwaited, from_attributes=True) for row in rows]
