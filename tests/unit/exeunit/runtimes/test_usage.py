import os
import subprocess
import sys
from pathlib import Path

from golem_vpn.exeunit.runtimes.usage import cpu_seconds_below, deleted_files_below, memory_below


def test_time_of_children_and_grandchildren_counts() -> None:
    busy = "import os; pid = os.fork(); [x * x for x in range(3_000_000)]; print(flush=True); input() if pid else None"
    before = cpu_seconds_below(os.getpid())
    with subprocess.Popen([sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.stdout.readline()
        used = cpu_seconds_below(child.pid)
        assert used > 0.05
        assert cpu_seconds_below(os.getpid()) >= before + used - 0.001
        assert child.stdin is not None
        child.stdin.write(b"\n")


def test_a_process_that_is_gone_uses_nothing() -> None:
    gone = 2**22 + 1
    assert (cpu_seconds_below(gone), memory_below(gone), deleted_files_below(gone)) == (0, 0, 0)


def test_shared_memory_counts_once_where_that_matters() -> None:
    forks = (
        "import os; data = bytearray(40 << 20); [os.fork() or input() for _ in range(3)]; print(flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", forks], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert memory_below(child.pid) > 150 << 20
        assert 40 << 20 < memory_below(child.pid, at_most=100 << 20) < 100 << 20
        child.kill()


def test_deleted_files_count_while_they_are_open(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.write(b"x" * 100_000)
        file.flush()
        before = deleted_files_below(os.getpid())
        (tmp_path / "file").unlink()
        assert deleted_files_below(os.getpid()) >= before + 100_000
