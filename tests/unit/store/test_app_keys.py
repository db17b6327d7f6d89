from datetime import UTC, datetime
from pathlib import Path

import pytest

from golem_vpn.errors import Conflict
from golem_vpn.store.app_keys import AppKeyRepository, StoredAppKey
from golem_vpn.store.database import Database

pytestmark = pytest.mark.anyio

KEY = StoredAppKey(
    digest="d1",
    name="default",
    identity="0x" + "1" * 40,
    allow_origins=("http://localhost:3000",),
    created=datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC),
)


async def test_keys_outlive_the_process(database: Database, database_path: Path) -> None:
    await AppKeyRepository(database).add(KEY)
    await database.close()
    reopened = Database(database_path)
    await reopened.open()
    assert await AppKeyRepository(reopened).all() == [KEY]
    await reopened.close()


async def test_a_name_is_given_once(database: Database) -> None:
    keys = AppKeyRepository(database)
    await keys.add(KEY)
    with pytest.raises(Conflict, match="default"):
        await keys.add(StoredAppKey("d2", "default", KEY.identity, (), KEY.created))
    assert await keys.all() == [KEY]


async def test_remove_tells_whether_there_was_one(database: Database) -> None:
    keys = AppKeyRepository(database)
    await keys.add(KEY)
    assert await keys.remove("default")
    assert not await keys.remove("default")
    assert await keys.all() == []
