"""Application keys in the database."""

from datetime import datetime

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from golem_vpn.errors import Conflict
from golem_vpn.store.database import Database
from golem_vpn.store.tables.app_keys import AppKeyRow


class StoredAppKey(msgspec.Struct, frozen=True):
    """An application key without the secret."""

    digest: str
    name: str
    identity: str
    allow_origins: tuple[str, ...]
    created: datetime


class AppKeyRepository:
    """Keeps the application keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: StoredAppKey) -> None:
        """Stores a key.

        Raises:
            Conflict: another key has that name.
        """
        row = AppKeyRow(
            digest=key.digest,
            name=key.name,
            identity=key.identity,
            allow_origins=list(key.allow_origins),
            created=key.created,
        )
        try:
            async with self._database.transaction() as session:
                session.add(row)
                await session.flush()
        except IntegrityError as error:
            raise Conflict(f"There is an application key named {key.name!r} already") from error

    async def all(self) -> list[StoredAppKey]:
        """Lists the keys, oldest first."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(AppKeyRow).order_by(AppKeyRow.created, AppKeyRow.name))
            return [_stored(row) for row in rows]

    async def remove(self, name: str) -> bool:
        """Forgets a key; tells whether there was one."""
        async with self._database.transaction() as session:
            removed = await session.scalars(delete(AppKeyRow).where(AppKeyRow.name == name).returning(AppKeyRow.digest))
            return removed.first() is not None


def _stored(row: AppKeyRow) -> StoredAppKey:
    return StoredAppKey(row.digest, row.name, row.identity, tuple(row.allow_origins), row.created)
