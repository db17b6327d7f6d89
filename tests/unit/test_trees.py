from pathlib import Path

import pytest

from golem_vpn.trees import remove_tree

pytestmark = pytest.mark.anyio


async def test_all_is_removed_even_what_a_payload_closed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "kept").mkdir(parents=True)
    outside.chmod(0o755)
    work = tmp_path / "work"
    (work / "closed" / "inner").mkdir(parents=True)
    (work / "closed" / "inner" / "file").write_text("x")
    (work / "link").symlink_to(outside)
    (work / "closed" / "inner").chmod(0)
    (work / "closed").chmod(0)
    await remove_tree(work)
    assert not work.exists()
    assert (outside / "kept").exists()
    assert outside.stat().st_mode & 0o777 == 0o755


async def test_what_is_not_there_is_fine(tmp_path: Path) -> None:
    await remove_tree(tmp_path / "nothing")
