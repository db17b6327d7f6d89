"""Files in and out of the payload's file system, as its own user and nowhere else."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from golem_vpn.errors import InvalidInput, RuntimeEnded
from tests.net.activities import Activity, activity
from tests.net.rootfs import make_root

pytestmark = [pytest.mark.anyio, pytest.mark.network]

CONTENT = os.urandom(3_000_000)


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Activity]:
    async with activity(tmp_path / "work", addresses=()) as inside:
        yield inside


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    return source


async def test_there_and_back(inside: Activity, source: Path, tmp_path: Path) -> None:
    await inside.runtime.put_file(source, "/golem/work/new/folder/file")
    assert await inside.output("wc -c < new/folder/file; stat -c '%U %a' new/folder/file") == "3000000\ngolem 644\n"
    await inside.runtime.take_file("/golem/work/new/folder/file", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == CONTENT
    assert await inside.output("ls -A new/folder") == "file\n"


async def test_a_file_is_replaced_whole_and_keeps_its_mode(inside: Activity, source: Path) -> None:
    await inside.output("echo old > file; chmod 755 file; ln -s file link; exec 3< file; cat <&3 > /dev/null")
    await inside.runtime.put_file(source, "/golem/work/link")
    assert await inside.output("readlink link; stat -c '%a %s' file") == "file\n755 3000000\n"


async def test_links_lead_where_payloads_see_them_lead(inside: Activity, source: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the provider's")
    await inside.output(f"ln -s {secret} out; ln -s / root; ln -s /proc/1/root/{secret} sly")
    for path in ("out", "sly", f"root/{secret}", f"../../..{secret}"):
        with pytest.raises(InvalidInput, match=r"No such file|Permission denied"):
            await inside.runtime.take_file(f"/golem/work/{path}", tmp_path / "back")
    for path in ("/etc/passwd", "/usr/bin/new", "/proc/sys/kernel/hostname"):
        with pytest.raises(InvalidInput):
            await inside.runtime.put_file(source, path)
    with pytest.raises(InvalidInput):
        await inside.runtime.take_file("/etc/shadow", tmp_path / "back")
    assert secret.read_text() == "the provider's"


async def test_what_is_no_file(inside: Activity, source: Path, tmp_path: Path) -> None:
    await inside.output("mkdir folder; mkfifo pipe; mkdir -m 500 closed")
    for path in ("folder", "pipe", "closed/file"):
        with pytest.raises(InvalidInput):
            await inside.runtime.put_file(source, f"/golem/work/{path}")
    for path in ("folder", "pipe", "missing", "../../dev/null"):
        with pytest.raises(InvalidInput):
            await inside.runtime.take_file(f"/golem/work/{path}", tmp_path / "back")


async def test_nothing_is_open_when_it_has_ended(inside: Activity, source: Path) -> None:
    await inside.runtime.stop()
    with pytest.raises(RuntimeEnded):
        await inside.runtime.put_file(source, "/golem/work/file")


async def test_root_of_an_image(source: Path, tmp_path: Path) -> None:
    """Files that arrive are root's, and go where only root may write; the image itself stays as it is."""
    image = make_root(tmp_path / "image", ("stat",))
    async with activity(tmp_path / "work", addresses=(), task_package=image) as inside:
        await inside.runtime.put_file(source, "/root/new/file")
        assert await inside.output("stat -c '%u %g %s' /root/new/file") == "0 0 3000000\n"
        await inside.runtime.take_file("/etc/passwd", tmp_path / "back")
        assert "root" in (tmp_path / "back").read_text()
    assert not (image / "root" / "new").exists()
