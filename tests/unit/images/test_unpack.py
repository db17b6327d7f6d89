import os
from pathlib import Path

import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.images.progress import Meter, Progress, Step
from golem_vpn.images.sources.directory import read_directory
from golem_vpn.images.tree import Bytes, File, Meta, Tree
from golem_vpn.images.unpack import unpack
from tests.unit.images.kit import contents, mode, sample, unpacked


def test_files_are_as_in_the_tree(tmp_path: Path) -> None:
    size = unpacked(sample(), tmp_path / "root")
    read = contents(read_directory(tmp_path / "root"))
    expected = contents(sample())
    links = {name for name, value in expected.items() if isinstance(value, tuple) and value[0] == (0o777, 0, 0, 0)}
    assert {name: value for name, value in read.items() if name not in links} == {
        name: value for name, value in expected.items() if name not in links
    }
    assert os.readlink(tmp_path / "root" / "bin") == "usr/bin"
    assert os.path.samefile(tmp_path / "root/usr/bin/sh", tmp_path / "root/usr/bin/bash")
    assert size == sum(len(value[1]) for value in expected.values() if isinstance(value, tuple) and len(value) == 2) - (
        len(os.fsencode("usr/bin")) + (tmp_path / "root/usr/bin/sh").stat().st_size
    )


def test_a_bomb_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    tree = Tree()
    tree.put(b"bomb", File(Meta(0o644), Bytes(bytes(1000))))
    with pytest.raises(InvalidInput, match="allowed"):
        unpacked(tree, tmp_path / "root", max_bytes=999)
    assert not (tmp_path / "root").exists()


def test_progress_ends_with_all(tmp_path: Path) -> None:
    heard: list[Progress] = []
    size = unpack(sample(), tmp_path / "root", Meter(Step.UNPACK, heard.append), 1 << 30)
    assert heard[0] == Progress(Step.UNPACK, 0, size)
    assert heard[-1] == Progress(Step.UNPACK, size, size)
    assert len(heard) < 110


def test_modes_are_kept_whole(tmp_path: Path) -> None:
    tree = Tree()
    tree.put(b"su", File(Meta(0o4755), Bytes(b"")))
    unpacked(tree, tmp_path / "root")
    assert mode(tmp_path / "root" / "su") == 0o4755
