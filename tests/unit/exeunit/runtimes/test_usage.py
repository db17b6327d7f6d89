import os
import subprocess
import sys

from golem_vpn.exeunit.runtimes.usage import cpu_seconds_below


def test_time_of_children_and_grandchildren_counts() -> None:
    busy = "import os; pid = os.fork(); [x * x for x in range(3_000_000)]; print(flush=True); input() if pid else None"
    before = cpu_seconds_below(os.getpid())
    with subprocess.Popen([sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.stdout.readline()
        used = cpu_seconds_below(child.pid)
        assert used > 0.05
        assert cpu_seconds_below(os.getpid()) >= before + used
        assert child.stdin is not None
        child.stdin.write(b"\n")


def test_a_process_that_is_gone_uses_nothing() -> None:
    assert cpu_seconds_below(2**22 + 1) == 0
