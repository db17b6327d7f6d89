"""The daemon's SQLite database: what is committed here is on the disk."""

import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import anyio
from sqlalchemy import Connection, Engine, Executable, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from golem_vpn.errors import ConfigurationError
from golem_vpn.store import migrate

T = TypeVar("T")

BUSY_TIMEOUT_MILLISECONDS = 10_000
TO_DISK = "FULL"
TO_SYSTEM = "NORMAL"


class Database:
    """Opens the database file, brings its schema up to date, and hands out transactions."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine: AsyncEngine | None = None
        self._writer: Engine | None = None
        self._writing = anyio.Lock()
        self._thread = anyio.CapacityLimiter(1)
        """For `write`, so that it never waits for what others do in threads."""
        self._shared: dict[type[Any], Any] = {}
        self._written = 0

    async def open(self) -> None:
        """Makes the file where there is none, for its owner's eyes only, and migrates it.

        Raises:
            ConfigurationError: the file is no database, or cannot be written.
        """
        try:
            self._writer, self._engine = await anyio.to_thread.run_sync(_open, self._path)
        except DatabaseError as error:
            raise ConfigurationError(
                f"the database {self._path} cannot be used: {error.orig}; put a good copy in its place, or move it "
                "away to begin anew, without the networks and keys that it held"
            ) from error

    async def close(self) -> None:
        """Closes all connections; a second call does nothing."""
        engine, self._engine = self._engine, None
        writer, self._writer = self._writer, None
        if engine is not None:
            await engine.dispose()
        if writer is not None:
            await anyio.to_thread.run_sync(writer.dispose)

    @property
    def written(self) -> int:
        """How many transactions may have changed something: while it stays the same, so does everything."""
        return self._written

    def shared(self, kind: type[T]) -> T:
        """Gives the one object of a class that all users of this database have in common."""
        shared: T = self._shared.setdefault(kind, kind())
        return shared

    @asynccontextmanager
    async def transaction(self, *, to_disk: bool = True) -> AsyncIterator[AsyncSession]:
        """Gives a session that may write; leaving it commits to the disk, an error undoes everything.

        It cannot be cancelled halfway, so nothing but the database may be waited for in it.

        Writers queue here in order of arrival; SQLite itself would let them poll.

        Args:
            to_disk: Whether the commit waits for the disk. If not, it outlives the daemon, but a loss of power only
                once the next one that waits has taken it along: for what is made up for, or followed by such a one.
        """
        async with self._writing, self._session(writes=True, to_disk=to_disk) as session:
            try:
                yield session
                await session.commit()
            finally:
                self._written += 1

    async def write(self, work: Callable[[Connection], T], *, to_disk: bool = True) -> T:
        """Does what needs nothing but statements as one transaction, in a thread, and gives what it gives.

        A session crosses to the driver's thread and back for each statement, and several times for the rest: this takes
        a third of the time. It cannot be cancelled once it runs.

        Args:
            work: Runs its statements on the connection; an error undoes everything.
            to_disk: As of `transaction`.
        """
        if self._writer is None:
            raise RuntimeError("the database is not open")
        writer = self._writer.execution_options(writes=True, to_disk=to_disk)

        def transact() -> T:
            with writer.begin() as connection:
                return work(connection)

        async with self._writing:
            try:
                return await anyio.to_thread.run_sync(transact, limiter=self._thread)
            finally:
                self._written += 1

    async def execute(
        self, statement: Executable, rows: Sequence[Mapping[str, Any]] = (), *, to_disk: bool = True
    ) -> None:
        """Runs one statement as a transaction, for each of the rows where there are some.

        Args:
            statement: What changes something.
            rows: Values for its parameters.
            to_disk: As of `transaction`.
        """
        await self.write(lambda connection: connection.execute(statement, rows or None), to_disk=to_disk)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Gives a session that sees one state of the database and waits for no writer."""
        async with self._session(writes=False, to_disk=False) as session:
            yield session

    @asynccontextmanager
    async def _session(self, *, writes: bool, to_disk: bool) -> AsyncIterator[AsyncSession]:
        if self._engine is None:
            raise RuntimeError("the database is not open")
        engine = self._engine.execution_options(writes=writes, to_disk=to_disk)
        # A caller who goes away meanwhile must neither leave the outcome open nor tear down a connection in use.
        with anyio.CancelScope(shield=True):
            async with AsyncSession(engine, expire_on_commit=False) as session:
                yield session


def _open(path: Path) -> tuple[Engine, AsyncEngine]:
    """Does what reads and writes files at once, and so belongs into a thread."""
    _make_private(path)
    writer = create_engine(f"sqlite:///{path}")
    _follow_rules(writer)
    with writer.begin() as connection:
        migrate.upgrade(connection)
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
    _follow_rules(engine.sync_engine)
    return writer, engine


def _make_private(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)


def _follow_rules(engine: Engine) -> None:
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)


def _configure(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # The driver's own transactions begin late and never as writers; those of `_begin` replace them.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}",
        "journal_mode = WAL",
        f"synchronous = {TO_DISK}",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("writes", True):
        return _run(connection, "BEGIN")
    wanted = TO_DISK if options.get("to_disk", True) else TO_SYSTEM
    if connection.info.get("synchronous", TO_DISK) == wanted:
        return _run(connection, "BEGIN IMMEDIATE")
    _run(connection, f"PRAGMA synchronous = {wanted}", "BEGIN IMMEDIATE")
    connection.info["synchronous"] = wanted


def _run(connection: Connection, *statements: str) -> None:
    """Runs statements without results: all in one crossing to the driver's thread, where there is one.

    Each by itself would take three.
    """
    if not connection.dialect.is_async:
        for statement in statements:
            connection.exec_driver_sql(statement)
        return
    driver: Any = connection.connection.dbapi_connection
    driver.run_async(lambda asynchronous: asynchronous.executescript(";".join(statements)))
