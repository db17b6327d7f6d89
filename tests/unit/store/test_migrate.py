from pathlib import Path

import pytest
from sqlalchemy import create_engine

from golem_vpn.store import migrate


def test_migrations_and_tables_agree() -> None:
    with create_engine("sqlite://").connect() as connection:
        migrate.upgrade(connection)
        assert migrate.differences(connection) == []


def test_a_second_upgrade_changes_nothing() -> None:
    with create_engine("sqlite://").connect() as connection:
        migrate.upgrade(connection)
        migrate.upgrade(connection)
        assert migrate.differences(connection) == []


def test_the_first_migration_is_written_from_the_tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    for name in ("env.py", "script.py.mako"):
        (folder / name).write_text((migrate.MIGRATIONS / name).read_text())
    committed = (migrate.MIGRATIONS / "versions" / "0001_initial.py").read_text()
    monkeypatch.setattr(migrate, "MIGRATIONS", folder)
    migrate.regenerate()
    written = (folder / "versions" / "0001_initial.py").read_text()
    assert "".join(written.split()).replace("'", '"') != ""
    assert written.count("op.create_table") == committed.count("op.create_table")
