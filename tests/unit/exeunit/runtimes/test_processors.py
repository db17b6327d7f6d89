import os
import subprocess

import pytest

from golem_vpn.exeunit.runtimes.processors import hold_to_processors


@pytest.mark.parametrize(("cores", "expected"), [(1.0, 1), (0.2, 1), (4096.0, len(os.sched_getaffinity(0)))])
def test_a_process_gets_whole_processors(cores: float, expected: int) -> None:
    with subprocess.Popen(["sleep", "100"]) as process:
        hold_to_processors(process.pid, cores)
        assert len(os.sched_getaffinity(process.pid)) == expected
        process.kill()
