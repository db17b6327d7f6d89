"""Published and awaited files in the database."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from sqlalchemy import delete, select

from golem_vpn.store.database import Database
from golem_vpn.store.tables.files import OfferedFileRow


class FileSnapshot(msgspec.Struct, frozen=True):
    """What a file was when it was looked at."""

    size: int
    modified: int
    """Nanoseconds since 1970."""
    digest: str
    """SHA3-256, in hex digits."""


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file behind a URL."""

    owner: str
    name: str
    path: str
    created: datetime
    published: FileSnapshot | None
    """What others may fetch; nothing where a file is awaited."""


class FileRepository:
    """Keeps what is behind the URLs of this node."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, files: Iterable[StoredFile]) -> None:
        """Stores files, all or none."""
        async with self._database.transaction() as session:
            session.add_all(map(_row, files))

    async def remove(self, owner: str, name: str) -> None:
        """Forgets what is behind a URL."""
        async with self._database.transaction() as session:
            of_url = OfferedFileRow.owner == owner, OfferedFileRow.name == name
            await session.execute(delete(OfferedFileRow).where(*of_url))

    async def all(self) -> list[StoredFile]:
        """Lists the files, oldest first."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(OfferedFileRow).order_by(OfferedFileRow.created, OfferedFileRow.name))
            return [_stored(row) for row in rows]


def _row(file: StoredFile) -> OfferedFileRow:
    known = {} if file.published is None else msgspec.structs.asdict(file.published)
    return OfferedFileRow(owner=file.owner, name=file.name, path=file.path, created=file.created, **known)


def _stored(row: OfferedFileRow) -> StoredFile:
    published = None
    if row.size is not None and row.modified is not None and row.digest is not None:
        published = FileSnapshot(row.size, row.modified, row.digest)
    return StoredFile(owner=row.owner, name=row.name, path=row.path, created=row.created, published=published)
