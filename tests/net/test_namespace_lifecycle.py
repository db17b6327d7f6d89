"""How programs in namespaces run and end, together with their activity and with the daemon."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from golem_vpn.errors import RuntimeEnded
from golem_vpn.exeunit.runtimes.base import Limits
from tests.net.activities import Activity, activity

pytestmark = [pytest.mark.network, pytest.mark.anyio]


async def test_exit_codes_and_signals_come_back(tmp_path: Path) -> None:
    async with activity(tmp_path) as own:
        assert (await own.shell("echo out; echo err >&2; exit 3")).code == 3
        assert (await own.shell("kill -TERM $$")).code == 128 + signal.SIGTERM
        missing = await own.run("no-such-program")
        assert (missing.code, "cannot run no-such-program" in missing.stderr) == (127, True)
        assert (await own.run("/etc/hosts")).code == 126
        assert (await own.shell("true", directory="/nowhere")).code == 126
        result = await own.shell("echo out; echo err >&2")
        assert (result.stdout, result.stderr) == ("out\n", "err\n")


async def test_all_output_arrives_and_input_is_empty(tmp_path: Path) -> None:
    async with activity(tmp_path) as own:
        assert len((await own.shell("head -c 3000000 /dev/zero")).stdout) == 3_000_000
        assert (await own.shell("cat")).code == 0


async def test_several_programs_run_at_once_and_background_ones_go_on(tmp_path: Path) -> None:
    async with activity(tmp_path) as own, anyio.create_task_group() as tasks:
        await own.output("while true; do echo noise; sleep 0.01; done & echo started")
        for index in range(5):
            tasks.start_soon(own.output, f"touch start-{index}; while ! test -e go; do sleep 0.01; done")
        await own.until("test $(ls start-* | wc -l) = 5")
        await own.output("touch go")
        assert "noise" not in (await own.output("echo quiet"))


async def test_a_cancelled_program_is_killed(tmp_path: Path) -> None:
    async with activity(tmp_path) as own:
        with anyio.move_on_after(0.3):
            await own.shell("sleep 1000 & sleep 1000")
        # The group gets the signal at once, but the kernel may take a moment with each of its processes.
        await own.until("! cat /proc/[0-9]*/comm | grep sleep")
        assert (await own.shell("echo still here")).stdout == "still here\n"


async def test_cancelling_a_start_leaks_nothing(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for delay in (0, 0.005, 0.02):
        with anyio.move_on_after(delay):
            async with activity(tmp_path):
                await anyio.sleep_forever()
    assert len(os.listdir("/proc/self/fd")) == before


async def test_stopping_ends_everything(tmp_path: Path) -> None:
    mark = f"sleep 98765{os.getpid()}"
    async with activity(tmp_path, limits=Limits(memory_bytes=1 << 28)) as own:
        await own.output(f"(setsid {mark} &) ; {mark} &")
        await eventually(lambda: len(processes_like(mark)) == 2)
        used = own.runtime.usage().cpu_seconds
        await own.shell("i=0; while test $i -lt 300000; do i=$((i+1)); done")
        assert own.runtime.usage().cpu_seconds > used
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(expect_end, own)
            await own.until("true")
            await own.runtime.stop()
    assert processes_like(mark) == []
    await own.runtime.stop()
    with pytest.raises(RuntimeEnded):
        await own.shell("true")


async def test_when_the_sandbox_dies_commands_end(tmp_path: Path) -> None:
    async with activity(tmp_path) as own:
        outer = own.runtime._holder
        assert outer is not None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(expect_end, own)
            await own.until("true")
            os.kill(outer.process_id, signal.SIGKILL)


async def expect_end(own: Activity) -> None:
    with pytest.raises(RuntimeEnded):
        await own.shell("sleep 1000")


@pytest.mark.parametrize("victim", ["daemon", "outer process"])
async def test_nothing_is_left_of_a_killed_daemon(victim: str, tmp_path: Path) -> None:
    mark = f"sleep 56789{os.getpid()}"
    daemon = subprocess.Popen(  # noqa: ASYNC220 - it only starts it
        [sys.executable, "-m", "tests.net.doomed", str(tmp_path), mark],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with daemon:
        assert daemon.stdout is not None
        outer = int(daemon.stdout.readline())
        await eventually(lambda: len(processes_like(mark)) == 1)
        os.kill(daemon.pid if victim == "daemon" else outer, signal.SIGKILL)
        await eventually(lambda: processes_like(mark) == [])
        daemon.kill()


async def eventually(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(10):
        while not condition():
            await anyio.sleep(0.02)


def processes_like(mark: str) -> list[int]:
    """Finds processes of the whole machine by their command lines."""
    wanted = mark.replace(" ", "\0").encode() + b"\0"
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if (entry / "cmdline").read_bytes() == wanted:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
