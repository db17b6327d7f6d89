import os
import signal
import subprocess

import pytest

from golem_vpn.cli import processes
from golem_vpn.cli.processes import DaemonProcess, end_daemons, interruptions_deferred, start_time


def process(running: subprocess.Popen[bytes]) -> DaemonProcess:
    return DaemonProcess(name="sleeper", pid=running.pid, start_time=start_time(running.pid), data_dir="/nowhere")


def test_a_process_is_known_by_its_start_time() -> None:
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        daemon = process(sleeper)
        assert daemon.running
        later = DaemonProcess(name="x", pid=daemon.pid, start_time=daemon.start_time + 1, data_dir="/nowhere")
        assert not later.running
        assert end_daemons([later]) == 0
        assert daemon.running
        assert end_daemons([daemon]) == 1
        assert not daemon.running


def test_one_that_ignores_the_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    ignore = ["sh", "-c", "trap '' TERM; echo; while :; do sleep 0.1; done"]
    with subprocess.Popen(ignore, stdout=subprocess.PIPE) as stubborn:
        assert stubborn.stdout is not None
        stubborn.stdout.readline()
        monkeypatch.setattr(processes, "STOP_SECONDS", 0.2)
        assert end_daemons([process(stubborn)]) == 1
        stubborn.wait(5)


def test_what_has_ended_has_no_start_time() -> None:
    with subprocess.Popen(["true"]) as short:
        os.waitid(os.P_PID, short.pid, os.WEXITED | os.WNOWAIT)
        assert start_time(short.pid) == 0
    assert start_time(short.pid) == 0


def test_an_interruption_waits_until_a_step_is_whole() -> None:
    steps = []

    def step() -> None:
        with interruptions_deferred():
            signal.raise_signal(signal.SIGINT)
            steps.append("whole")

    with pytest.raises(KeyboardInterrupt):
        step()
    assert steps == ["whole"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
