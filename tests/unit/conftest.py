"""What all unit tests share: databases that come into being at once, and don't wait for the disk."""

import sqlite3
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import ConnectionPoolEntry

from golem_vpn.store import database, migrate


@pytest.fixture(scope="session")
def schema() -> list[str]:
    """The statements that make a database of this version, as the migrations have left one."""
    with create_engine("sqlite://").begin() as connection:
        migrate.upgrade(connection)
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        dump = list(driver.iterdump())
    assert (dump[0], dump[-1]) == ("BEGIN TRANSACTION;", "COMMIT;")
    return dump[1:-1]


@pytest.fixture(autouse=True)
def quick_databases(schema: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes new databases from the statements, and syncs none: a thousand migrations take longer than the tests."""
    configure = database._configure

    def upgrade(connection: Connection) -> None:
        if connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar():
            migrate.upgrade(connection)
            return
        for statement in schema:
            connection.exec_driver_sql(statement)

    def configure_without_sync(connection: Any, entry: ConnectionPoolEntry) -> None:
        configure(connection, entry)
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous = OFF")
        cursor.close()

    monkeypatch.setattr(database, "migrate", SimpleNamespace(upgrade=upgrade))
    monkeypatch.setattr(database, "_configure", configure_without_sync)
