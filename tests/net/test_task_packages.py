"""Task packages: the payload's file system is that of the package, and nothing of the host's is touched."""

import io
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.exeunit.runtimes.base import Deployment
from golem_vpn.exeunit.runtimes.namespace import NamespaceRuntime
from tests.net.activities import activity

pytestmark = [pytest.mark.network, pytest.mark.anyio]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A root file system of busybox, with links as images have them, and one as an attacker would."""
    busybox = shutil.which("busybox")
    assert busybox is not None, "busybox is not installed"
    root = tmp_path / "package"
    (root / "bin").mkdir(parents=True)
    shutil.copy(busybox, root / "bin" / "busybox")
    for library in set(re.findall(r"/\S+", subprocess.run(["ldd", busybox], capture_output=True, text=True).stdout)):
        (root / library[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, root / library[1:])
    (root / "usr").mkdir(exist_ok=True)
    (root / "usr" / "bin").symlink_to("/bin")
    for name in ("sh", "ls", "cat", "id", "touch", "grep"):
        (root / "bin" / name).symlink_to("/bin/busybox")
    (root / "etc").mkdir()
    (root / "etc" / "passwd").write_text("root:x:0:0::/root:/bin/sh\nothers:x:1000:1000::/:/bin/sh\n")
    (root / "etc" / "release").write_text("the package\n")
    (root / "golem").symlink_to(tmp_path)
    (root / "proc").symlink_to("/etc")
    tmp_path.chmod(0o755)
    return root


@pytest.fixture
def archive(package: Path) -> Path:
    """The same as a compressed tar archive, with a device."""
    path = package.with_suffix(".tar.gz")
    with tarfile.open(path, "w:gz") as members:
        members.add(package, ".")
        device = tarfile.TarInfo("./dev/mem")
        device.type = tarfile.CHRTYPE
        members.addfile(device)
    return path


@pytest.mark.parametrize("kind", ["directory", "archive"])
async def test_the_package_is_the_file_system(kind: str, package: Path, archive: Path, tmp_path: Path) -> None:
    chosen = package if kind == "directory" else archive
    before = sorted(path.relative_to(package) for path in package.rglob("*"))
    async with activity(tmp_path / "work", task_package=chosen, hosts=(("peer", "10.9.0.7"),)) as own:
        assert await own.output("cat /etc/release") == "the package\n"
        assert "peer" in await own.output("cat /etc/hosts")
        assert await own.output("id -un; pwd") == "root\n/golem/work\n"
        entries = (await own.output("ls /")).split()
        assert {"bin", "dev", "etc", "golem", "mnt", "proc", "run", "sys", "tmp", "usr"} <= set(entries)
        assert await own.output("ls /mnt; ls /dev | grep mem; ls /golem") == "work\n"
        await own.output("touch /new /golem/work/result")
    assert sorted(path.relative_to(package) for path in package.rglob("*")) == before
    assert os.listdir(tmp_path / "work") == ["work"]
    assert os.listdir(tmp_path / "work" / "work") == ["result"]


async def test_two_activities_share_a_package(package: Path, tmp_path: Path) -> None:
    async with (
        activity(tmp_path / "first", task_package=package) as first,
        activity(tmp_path / "second", task_package=package) as second,
    ):
        await first.output("touch /mark")
        assert (await second.shell("ls /mark")).code != 0


@pytest.mark.parametrize(
    ("name", "target"),
    [("../outside", None), ("link", "../../outside"), ("hard", "hard:../../etc/passwd")],
)
async def test_an_archive_cannot_leave_its_place(name: str, target: str | None, tmp_path: Path) -> None:
    archive = tmp_path / "evil.tar"
    with tarfile.open(archive, "w") as members:
        member = tarfile.TarInfo(name)
        if target is not None:
            member.type = tarfile.LNKTYPE if target.startswith("hard:") else tarfile.SYMTYPE
            member.linkname = target.removeprefix("hard:")
        members.addfile(member, io.BytesIO())
    runtime = NamespaceRuntime()
    with pytest.raises(InvalidInput, match="outside"):
        await runtime.deploy(Deployment(activity_id="x", work_dir=tmp_path / "work", task_package=archive))
    await runtime.stop()
    assert not (tmp_path / "outside").exists()
