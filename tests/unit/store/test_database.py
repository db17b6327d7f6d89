import stat
from pathlib import Path

import anyio
import anyio.from_thread
import anyio.to_thread
import pytest
from sqlalchemy import Connection, text

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


async def test_statements_alone_are_a_transaction_too(database: Database) -> None:
    def create(connection: Connection) -> int:
        connection.execute(text("CREATE TABLE draft (id INTEGER)"))
        return connection.execute(text("INSERT INTO draft VALUES (1)")).rowcount

    def fail(connection: Connection) -> None:
        connection.execute(text("INSERT INTO draft VALUES (2)"))
        raise ValueError

    assert await database.write(create) == 1
    with pytest.raises(ValueError):  # noqa: PT011
        await database.write(fail)
    async with database.reading() as session:
        assert (await session.scalars(text("SELECT id FROM draft"))).all() == [1]


async def test_statements_alone_wait_for_the_disk_unless_they_need_not(database: Database) -> None:
    def synchronous(connection: Connection) -> object:
        return connection.execute(text("PRAGMA synchronous")).scalar()

    assert [await database.write(synchronous, to_disk=to_disk) for to_disk in (True, False, True)] == [2, 1, 2]


async def test_writers_of_both_kinds_queue(database: Database) -> None:
    await database.write(lambda connection: connection.execute(text("CREATE TABLE counter (value INTEGER)")))
    await database.write(lambda connection: connection.execute(text("INSERT INTO counter VALUES (0)")))

    def increment(connection: Connection) -> None:
        value = connection.execute(text("SELECT value FROM counter")).scalar_one()
        connection.execute(text(f"UPDATE counter SET value = {value + 1}"))

    async def increment_in_session() -> None:
        async with database.transaction() as session:
            await (await session.connection()).run_sync(increment)

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(increment_in_session)
            tasks.start_soon(database.write, increment)
    async with database.reading() as session:
        assert (await session.execute(text("SELECT value FROM counter"))).scalar_one() == 20


async def test_statements_that_are_running_are_not_cancelled(database: Database) -> None:
    await database.write(lambda connection: connection.execute(text("CREATE TABLE draft (id INTEGER)")))

    def insert(connection: Connection) -> None:
        anyio.from_thread.run_sync(scope.cancel)
        connection.execute(text("INSERT INTO draft VALUES (1)"))

    with anyio.CancelScope() as scope:
        await database.write(insert)
        await anyio.sleep_forever()
    async with database.reading() as session:
        assert (await session.scalars(text("SELECT id FROM draft"))).all() == [1]


async def test_statements_do_not_wait_for_other_threads(database: Database) -> None:
    limiter = anyio.to_thread.current_default_thread_limiter()
    others = [object() for _ in range(int(limiter.total_tokens))]
    for other in others:
        limiter.acquire_on_behalf_of_nowait(other)
    try:
        with anyio.fail_after(5):
            await database.write(lambda connection: connection.execute(text("CREATE TABLE draft (id INTEGER)")))
    finally:
        for other in others:
            limiter.release_on_behalf_of(other)


async def test_a_closed_database_says_so(database: Database) -> None:
    await database.close()
    await database.close()
    with pytest.raises(RuntimeError, match="not open"):
        async with database.transaction():
            pass
    with pytest.raises(RuntimeError, match="not open"):
        await database.write(lambda _connection: None)
