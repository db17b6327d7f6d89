"""Payloads are held to what their agreement gives them, with and without control groups."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest

from golem_vpn.errors import RuntimeEnded
from golem_vpn.exeunit.runtimes import cgroups
from golem_vpn.exeunit.runtimes.base import Limits
from tests.net.activities import Activity, activity
from tests.net.rootfs import make_root

pytestmark = [pytest.mark.network, pytest.mark.anyio]

MIB = 1 << 20
GREEDY = "import time; data = bytearray(256 << 20); time.sleep(60)"
MODEST = "import os, time; data = bytearray(40 << 20); [os.fork() for _ in range(2)]; time.sleep(2)"


@pytest.fixture
def no_control_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes away what the kernel would do by itself."""
    monkeypatch.setattr(cgroups, "_hierarchies", lambda: iter(()))


@asynccontextmanager
async def supervised(work_dir: Path, reasons: list[str], **options: Any) -> AsyncIterator[Activity]:
    """An activity as an ExeUnit runs it; notes why it ended."""

    async def supervise(own: Activity) -> None:
        reasons.append(await own.runtime.supervise())

    async with activity(work_dir, **options) as own:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(supervise, own)
            try:
                yield own
            finally:
                await own.runtime.stop()


async def end_of(own: Activity, script: str) -> None:
    with anyio.fail_after(30), pytest.raises(RuntimeEnded):
        await own.shell(script)


@pytest.mark.usefixtures("no_control_groups")
async def test_memory_is_limited_without_control_groups(tmp_path: Path) -> None:
    reasons: list[str] = []
    async with supervised(tmp_path, reasons, limits=Limits(memory_bytes=100 * MIB)) as own:
        assert own.deployed.unenforced == ()
        assert (await own.run("python3", "-c", MODEST)).code == 0
        assert 40 * MIB < own.runtime.usage().memory_bytes < 100 * MIB
        await end_of(own, f"python3 -c '{GREEDY}'")
    assert "MiB of memory; the agreement gives it 100.0 MiB" in reasons[0]


async def test_memory_is_limited(tmp_path: Path) -> None:
    reasons: list[str] = []
    async with supervised(tmp_path, reasons, limits=Limits(memory_bytes=100 * MIB)) as own:
        killed_by_kernel = False
        with suppress(RuntimeEnded):
            killed_by_kernel = (await own.run("python3", "-c", GREEDY)).code == 128 + signal.SIGKILL
        await own.runtime.stop()
    assert killed_by_kernel or "MiB of memory" in reasons[0]


@pytest.mark.parametrize(
    "script",
    [
        "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do dd if=/dev/zero of=file-$i bs=1M count=1; done",
        "mkdir a; cd a; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do dd if=/dev/zero of=$i bs=1M count=1; done; chmod 0 .",
        "exec 8>a 9>b; rm a b; dd if=/dev/zero bs=1M count=7 >&8; dd if=/dev/zero bs=1M count=7 >&9",
        "mkdir /var/tmp/x; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do dd if=/dev/zero of=/tmp/$i bs=1M count=1; done",
    ],
)
async def test_storage_is_limited(script: str, tmp_path: Path) -> None:
    reasons: list[str] = []
    async with supervised(tmp_path, reasons, limits=Limits(storage_bytes=10 * MIB)) as own:
        await end_of(own, f"{script}; sleep 60")
        assert own.runtime.usage().storage_bytes > 10 * MIB
    assert "MiB of storage; the agreement gives it 10.0 MiB" in reasons[0]


async def test_storage_of_an_image_is_not_the_payloads(tmp_path: Path) -> None:
    image = make_root(tmp_path / "image")
    reasons: list[str] = []
    async with supervised(tmp_path / "work", reasons, task_package=image, limits=Limits(storage_bytes=2 * MIB)) as own:
        await own.output("sleep 3")
        await end_of(own, "for i in 1 2 3 4 5; do cp /bin/bash /root/$i; done; sleep 60")
    assert "MiB of storage" in reasons[0]


async def test_no_file_is_larger_than_the_limit(tmp_path: Path) -> None:
    async with activity(tmp_path, limits=Limits(storage_bytes=10 * MIB)) as own:
        assert (await own.shell("dd if=/dev/zero of=file bs=1M count=20")).code != 0
        assert (await own.output("stat -c %s file")) == f"{10 * MIB}\n"


@pytest.mark.usefixtures("no_control_groups")
async def test_processors_are_limited_without_control_groups(tmp_path: Path) -> None:
    async with activity(tmp_path, limits=Limits(cpu_cores=1.0)) as own:
        assert await own.output("nproc") == "1\n"
        assert (await own.shell("taskset -c 0-63 true")).code != 0


async def test_shared_memory_is_limited(tmp_path: Path) -> None:
    async with activity(tmp_path, limits=Limits(memory_bytes=64 * MIB)) as own:
        assert (await own.shell("dd if=/dev/zero of=/dev/shm/file bs=1M count=60")).code != 0


async def test_when_the_sandbox_dies_the_supervisor_says_so(tmp_path: Path) -> None:
    reasons: list[str] = []
    async with supervised(tmp_path, reasons) as own:
        await own.output("true")
    assert reasons == ["the activity was stopped"]
