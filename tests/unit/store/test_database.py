import stat
from pathlib import Path

import anyio
import pytest
from sqlalchemy import text

from golem_vpn.store.database import Database

pytestmark = pytest.mark.anyio


async def pragma(database: Database, name: str) -> object:
    async with database.reading() as session:
        return (await session.execute(text(f"PRAGMA {name}"))).scalar()


async def test_is_for_its_owner_only(database: Database, database_path: Path) -> None:
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE draft (id INTEGER)"))

    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    assert mode(database_path.parent) == 0o700
    assert mode(database_path) == 0o600
    assert mode(database_path.with_name(database_path.name + "-wal")) == 0o600


async def test_a_commit_is_on_the_disk(database: Database) -> None:
    assert await pragma(database, "journal_mode") == "wal"
    assert await pragma(database, "synchronous") == 2
    assert await pragma(database, "foreign_keys") == 1


async def test_a_commit_waits_for_the_disk_unless_it_need_not(database: Database) -> None:
    seen = []
    for to_disk in (True, False, False, True):
        async with database.transaction(to_disk=to_disk) as session:
            seen.append((await session.execute(text("PRAGMA synchronous"))).scalar())
    assert seen == [2, 1, 1, 2]


async def test_an_error_undoes_the_transaction(database: Database) -> None:
    async def failing_write() -> None:
        async with database.transaction() as session:
            await session.execute(text("CREATE TABLE draft (id INTEGER)"))
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        await failing_write()
    async with database.reading() as session:
        assert (await session.scalars(text("SELECT name FROM sqlite_master WHERE name = 'draft'"))).all() == []


async def test_writers_queue(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE counter (value INTEGER)"))
        await session.execute(text("INSERT INTO counter VALUES (0)"))

    async def increment() -> None:
        async with database.transaction() as session:
            value = (await session.execute(text("SELECT value FROM counter"))).scalar_one()
            await session.execute(text(f"UPDATE counter SET value = {value + 1}"))

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(increment)
    async with database.reading() as session:
        assert (await session.execute(text("SELECT value FROM counter"))).scalar_one() == 20


async def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    async with database.transaction() as writer:
        await writer.execute(text("CREATE TABLE draft (id INTEGER)"))
        async with database.reading() as session:
            assert (await session.execute(text("SELECT 1"))).scalar() == 1


async def test_a_cancelled_writer_finishes_its_transaction(database: Database) -> None:
    with anyio.CancelScope() as scope:
        async with database.transaction() as session:
            scope.cancel()
            await session.execute(text("CREATE TABLE draft (id INTEGER)"))
        await anyio.sleep_forever()
    async with database.transaction() as session:
        await session.execute(text("INSERT INTO draft VALUES (1)"))


async def test_a_closed_database_says_so(database: Database) -> None:
    await database.close()
    await database.close()
    with pytest.raises(RuntimeError, match="not open"):
        async with database.transaction():
            pass
