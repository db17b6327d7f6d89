import hashlib
from pathlib import Path

import pytest

from golem_vpn.errors import Conflict, InvalidInput, TransferFailed
from golem_vpn.files.partial import partial_file
from tests.unit.files.kit import leftovers

pytestmark = pytest.mark.anyio


async def test_a_beginning_is_kept_where_it_is_known_what_it_is(tmp_path: Path) -> None:
    target = tmp_path / "target"
    async with partial_file(target, "known") as partial:
        await partial.append(b"abc")
    assert len(leftovers(tmp_path)) == 1
    async with partial_file(target, "other") as partial:
        assert partial.size == 0
    async with partial_file(target, "known") as partial:
        assert partial.size == 3
        await partial.append(b"def")
        await partial.complete()
    assert target.read_bytes() == b"abcdef"
    assert leftovers(tmp_path) == []


async def test_a_beginning_of_something_unknown_is_not_kept(tmp_path: Path) -> None:
    async with partial_file(tmp_path / "target", None) as partial:
        await partial.append(b"abc")
    assert list(tmp_path.iterdir()) == []


async def test_only_one_may_write(tmp_path: Path) -> None:
    async with partial_file(tmp_path / "target", "known") as partial:
        await partial.append(b"abc")
        with pytest.raises(Conflict, match="written already"):
            async with partial_file(tmp_path / "target", "known"):
                pass
        await partial.complete(hashlib.sha3_224(b"abc").hexdigest())
    assert (tmp_path / "target").read_bytes() == b"abc"


async def test_a_wrong_digest_leaves_nothing(tmp_path: Path) -> None:
    async with partial_file(tmp_path / "target", "known") as partial:
        await partial.append(b"abc")
        with pytest.raises(TransferFailed):
            await partial.complete(hashlib.sha3_256(b"abd").hexdigest())
    assert list(tmp_path.iterdir()) == []


async def test_a_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    for target in (tmp_path, tmp_path / "missing" / "file"):
        with pytest.raises(InvalidInput):
            async with partial_file(target, None):
                pass
