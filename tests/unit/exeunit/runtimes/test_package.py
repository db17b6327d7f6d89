import io
import tarfile
from pathlib import Path

import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.exeunit.runtimes.package import check_package, unpack


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:xz") as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = target
    return member, b""


def file(name: str, data: bytes = b"data") -> tuple[tarfile.TarInfo, bytes]:
    return tarfile.TarInfo(name), data


def test_absolute_links_mean_the_archives_own_root(tmp_path: Path) -> None:
    package = archive(tmp_path / "a.tar.xz", file("bin/busybox"), link("usr/bin/sh", "/bin/busybox"))
    unpack(package, tmp_path / "root")
    assert (tmp_path / "root" / "usr" / "bin" / "sh").readlink() == Path("../../bin/busybox")
    assert (tmp_path / "root" / "usr" / "bin" / "sh").read_bytes() == b"data"


@pytest.mark.parametrize(
    "members",
    [
        [file("../outside")],
        [link("a", "../outside")],
        [link("a", "../outside", tarfile.LNKTYPE)],
        [link("a", "/etc/passwd", tarfile.LNKTYPE)],
    ],
)
def test_nothing_leaves_the_directory(members: list[tuple[tarfile.TarInfo, bytes]], tmp_path: Path) -> None:
    package = archive(tmp_path / "a.tar.xz", *members)
    with pytest.raises(InvalidInput):
        unpack(package, tmp_path / "root")
    assert not (tmp_path / "outside").exists()


def test_devices_are_left_out(tmp_path: Path) -> None:
    package = archive(tmp_path / "a.tar.xz", link("dev/mem", "", tarfile.CHRTYPE), file("etc/release"))
    unpack(package, tmp_path / "root")
    assert sorted(path.name for path in (tmp_path / "root").iterdir()) == ["etc"]


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    package = archive(tmp_path / "a.tar.xz", file("big", bytes(100_000)))
    package.write_bytes(package.read_bytes()[:100])
    with pytest.raises(InvalidInput):
        unpack(package, tmp_path / "root")


def test_only_directories_and_archives_are_packages(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    check_package(tmp_path)
    check_package(archive(tmp_path / "a.tar.xz", file("a")))
    with pytest.raises(InvalidInput, match="neither"):
        check_package(tmp_path / "text")
    with pytest.raises(InvalidInput, match="No such file"):
        check_package(tmp_path / "nowhere")
