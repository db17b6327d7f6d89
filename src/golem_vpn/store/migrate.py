"""Brings a database to the schema of this version.

`python -m golem_vpn.store.migrate` writes the migration 0001 anew from the tables. That is right only until the first
release; afterwards a change of the tables is a new migration.
"""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from golem_vpn.store.tables import Base

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(connection: Connection) -> None:
    """Applies the migrations that the database lacks."""
    config = _configuration(connection)
    head = ScriptDirectory.from_config(config).get_current_head()
    if MigrationContext.configure(connection).get_current_revision() != head:
        command.upgrade(config, "head")


def differences(connection: Connection) -> list[Any]:
    """Lists where the migrated database is not what the tables say."""
    return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))


def regenerate() -> None:
    """Writes the first migration anew from the tables."""
    for version in (MIGRATIONS / "versions").glob("*.py"):
        version.unlink()
    with create_engine("sqlite://").connect() as connection:
        config = _configuration(connection)
        command.revision(config, message="initial", rev_id="0001", autogenerate=True)


def _configuration(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    for option, value in (
        ("hooks", "format"),
        ("format.type", "module"),
        ("format.module", "ruff"),
        ("format.options", "format --quiet REVISION_SCRIPT_FILENAME"),
    ):
        config.set_section_option("post_write_hooks", option, value)
    return config


if __name__ == "__main__":
    regenerate()
