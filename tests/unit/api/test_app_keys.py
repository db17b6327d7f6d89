import stat
from pathlib import Path

import pytest

from golem_vpn.api.app_keys import AppKeys
from golem_vpn.errors import NotFound
from golem_vpn.net.identity import Identities
from golem_vpn.store.app_keys import AppKeyRepository
from golem_vpn.store.database import Database

pytestmark = pytest.mark.anyio


async def restarted(database: Database, identities: Identities, key_file: Path) -> AppKeys:
    keys = AppKeys(AppKeyRepository(database), identities)
    await keys.start(identities.default.node_id, key_file)
    return keys


async def test_the_first_start_leaves_a_key_for_the_command_line(
    app_keys: AppKeys, identities: Identities, key_file: Path
) -> None:
    key = app_keys.find(key_file.read_text().strip())
    assert key is not None
    assert (key.name, key.identity) == ("default", identities.default.node_id)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600


async def test_the_secret_is_not_in_the_database(app_keys: AppKeys, database: Database, key_file: Path) -> None:
    secret = key_file.read_text().strip()
    await database.close()
    for path in key_file.parent.glob("golem-vpn.db*"):
        assert secret.encode() not in path.read_bytes()


async def test_keys_outlive_a_restart(
    app_keys: AppKeys, database: Database, identities: Identities, key_file: Path
) -> None:
    made, secret = await app_keys.create("web", identities.default.node_id, ["https://a.example"])
    before = key_file.read_text()
    again = await restarted(database, identities, key_file)
    assert again.find(secret) == made
    assert key_file.read_text() == before
    assert [key.name for key in again.list()] == ["default", "web"]


@pytest.mark.parametrize("lost", ["file", "key"])
async def test_a_lost_default_key_is_made_anew_at_the_next_start(
    app_keys: AppKeys, database: Database, identities: Identities, key_file: Path, lost: str
) -> None:
    before = key_file.read_text().strip()
    if lost == "file":
        key_file.unlink()
    else:
        await app_keys.remove("default")
    again = await restarted(database, identities, key_file)
    assert again.find(before) is None
    assert again.find(key_file.read_text().strip()) is not None
    assert [key.name for key in again.list()] == ["default"]


async def test_removing_an_unknown_key_is_an_error(app_keys: AppKeys) -> None:
    with pytest.raises(NotFound):
        await app_keys.remove("unknown")
