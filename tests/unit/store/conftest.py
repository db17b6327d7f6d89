from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from golem_vpn.store.database import Database


@pytest.fixture
def quick_databases() -> None:
    """Leaves databases as they are: here they are what is tested."""


@pytest.fixture
def database_path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "golem-vpn.db"


@pytest.fixture
async def database(database_path: Path) -> AsyncIterator[Database]:
    database = Database(database_path)
    await database.open()
    yield database
    await database.close()
