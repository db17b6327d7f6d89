import os
from pathlib import Path

import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.images import gvmi
from golem_vpn.images.cache import ImageCache
from golem_vpn.images.gvmi import ImageConfig
from golem_vpn.images.progress import Progress, Step, silently
from golem_vpn.images.squashfs import writer
from golem_vpn.images.tree import Bytes, Directory, File, Meta, Tree

SIZE = 1000


def image(path: Path, size: int = SIZE) -> Path:
    tree = Tree()
    tree.put(b"locked", Directory(Meta(0o500)))
    tree.put(b"locked/file", File(Meta(0o400), Bytes(bytes(size))))
    writer.write(tree, path)
    gvmi.append(path, ImageConfig(env=("A=b",)))
    return path


@pytest.fixture
def cache(tmp_path: Path) -> ImageCache:
    cache = ImageCache(tmp_path / "cache", limit=2 * SIZE)
    cache.open()
    return cache


def kept(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "cache").iterdir())


def test_an_image_is_unpacked_once_and_taken_often(cache: ImageCache, tmp_path: Path) -> None:
    heard: list[Progress] = []
    assert cache.take("a") is None
    cache.add("a", image(tmp_path / "image"), heard.append)
    for _ in range(2):
        taken = cache.take("a")
        assert taken is not None
        assert (taken[0] / "locked" / "file").stat().st_size == SIZE
        assert taken[1] == ImageConfig(env=("A=b",))
    assert heard[-1] == Progress(Step.UNPACK, SIZE, SIZE)


def test_what_was_not_used_for_long_goes(cache: ImageCache, tmp_path: Path) -> None:
    file = image(tmp_path / "image")
    for name in ("a", "b"):
        cache.add(name, file, silently)
    os.utime(tmp_path / "cache/b/image.json", (1, 1))
    cache.add("c", file, silently)
    assert kept(tmp_path) == ["a", "c"]


def test_what_is_in_use_stays(cache: ImageCache, tmp_path: Path) -> None:
    file = image(tmp_path / "image")
    for name in ("a", "b", "c"):
        cache.add(name, file, silently)
        assert cache.take(name)
    assert kept(tmp_path) == ["a", "b", "c"]
    cache.give_back("b")
    cache.add("d", file, silently)
    assert kept(tmp_path) == ["a", "c", "d"]


def test_one_that_is_too_large_is_refused_and_leaves_nothing(cache: ImageCache, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="allowed"):
        cache.add("a", image(tmp_path / "image", 3 * SIZE), silently)
    assert kept(tmp_path) == []


def test_a_damaged_one_leaves_nothing(cache: ImageCache, tmp_path: Path) -> None:
    for content in (b"hsqs" + bytes(200), b"no image", b""):
        (tmp_path / "image").write_bytes(content)
        with pytest.raises(InvalidInput):
            cache.add("a", tmp_path / "image", silently)
    assert kept(tmp_path) == []


def test_what_was_unfinished_is_removed(cache: ImageCache, tmp_path: Path) -> None:
    (tmp_path / "cache/.half/root/locked").mkdir(parents=True)
    cache.open()
    assert kept(tmp_path) == []
