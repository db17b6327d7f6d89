from pathlib import Path

import pytest

from golem_vpn.provider.owner import Owner
from golem_vpn.provider.presets import DEFAULT_TEXT, parse

pytestmark = pytest.mark.anyio


async def opened(data_dir: Path) -> Owner:
    owner = Owner(data_dir)
    await owner.open()
    return owner


async def test_the_first_start_writes_the_default_settings(tmp_path: Path) -> None:
    owner = await opened(tmp_path)
    assert owner.settings == parse(DEFAULT_TEXT)
    assert owner.settings_path.read_text() == DEFAULT_TEXT


async def test_a_damaged_file_changes_nothing_but_is_told(tmp_path: Path) -> None:
    owner = await opened(tmp_path)
    owner.settings_path.write_text("[policy")
    await owner.reload()
    assert owner.settings == parse(DEFAULT_TEXT)
    assert owner.complaint is not None
    assert "presets.toml" in owner.complaint
    await owner.reload()
    assert owner.complaint is not None
    owner.settings_path.write_text("[policy]\nmax_agreements = 1")
    await owner.reload()
    assert owner.settings.policy.max_agreements == 1
    assert owner.complaint is None


async def test_a_pause_outlives_the_daemon(tmp_path: Path) -> None:
    owner = await opened(tmp_path)
    assert not owner.paused
    await owner.pause()
    assert (await opened(tmp_path)).paused
    await owner.resume()
    await owner.resume()
    assert not (await opened(tmp_path)).paused
