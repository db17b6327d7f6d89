import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.images.sources.archive import apply_layer, read_archive
from golem_vpn.images.tree import Symlink, Tree
from tests.unit.images.kit import contents

Member = tuple[str, bytes, str, bytes]
"""Name, kind, target, content."""


def archive(path: Path, *members: Member) -> Path:
    with tarfile.open(path, "w") as file:
        for name, kind, target, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.size, member.mode = kind, target, len(content), 0o750
            file.addfile(member, io.BytesIO(content))
    return path


def test_all_kinds_of_members(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "a.tar",
        ("./bin", tarfile.SYMTYPE, "/usr/bin", b""),
        ("./usr/bin/sh", tarfile.REGTYPE, "", b"shell"),
        ("./usr/bin/bash", tarfile.LNKTYPE, "./usr/bin/sh", b""),
        ("./dev/mem", tarfile.CHRTYPE, "", b""),
        ("./var", tarfile.DIRTYPE, "", b""),
    )
    with read_archive(path, tmp_path) as tree:
        assert tree.find(b"usr/bin/sh") is tree.find(b"bin/bash")
        assert isinstance(tree.find(b"bin"), Symlink)
        assert contents(tree)["usr/bin/sh"] == ((0o750, 0, 0, 0), b"shell")
        assert tree.find(b"dev/mem") is None


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress])
def test_compressed_ones(compress: Callable[[bytes], bytes], tmp_path: Path) -> None:
    plain = archive(tmp_path / "a.tar", ("x", tarfile.REGTYPE, "", b"content"))
    (tmp_path / "compressed").write_bytes(compress(plain.read_bytes()))
    with read_archive(tmp_path / "compressed", tmp_path) as tree:
        assert contents(tree)["x"] == ((0o750, 0, 0, 0), b"content")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "compressed"]


@pytest.mark.parametrize(
    "member",
    [
        ("../outside", tarfile.REGTYPE, "", b""),
        ("hard", tarfile.LNKTYPE, "../../etc/passwd", b""),
        ("hard", tarfile.LNKTYPE, "nothing", b""),
    ],
)
def test_a_member_cannot_leave(member: Member, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        apply_layer(Tree(), archive(tmp_path / "a.tar", member))


def test_a_link_to_outside_leads_nowhere(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "a.tar",
        ("etc", tarfile.SYMTYPE, "../../../../etc", b""),
        ("etc/../x", tarfile.DIRTYPE, "", b""),
    )
    with pytest.raises(InvalidInput):
        apply_layer(Tree(), path)


def test_layers_remove_what_was_below(tmp_path: Path) -> None:
    tree = Tree()
    first = archive(
        tmp_path / "1",
        *((name, tarfile.REGTYPE, "", b"") for name in ("kept", "gone", "full/a", "full/b", "dir/x")),
    )
    second = archive(
        tmp_path / "2",
        *((name, tarfile.REGTYPE, "", b"") for name in (".wh.gone", "full/new", "full/.wh..wh..opq", ".wh.dir")),
    )
    apply_layer(tree, first)
    apply_layer(tree, second)
    assert [path.decode() for path, _ in tree.walk()] == ["", "full", "full/new", "kept"]


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8bno gzip", b"\x28\xb5\x2f\xfd" + bytes(100)])
def test_what_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(InvalidInput), read_archive(tmp_path / "x", tmp_path):
        pass


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bomb").write_bytes(gzip.compress(bytes(3 << 20)))
    with pytest.raises(InvalidInput, match="unpacks to more"), read_archive(tmp_path / "bomb", tmp_path, 1 << 20):
        pass
