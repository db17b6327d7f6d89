"""Daemons as background processes: started, awaited, recognised and ended by their id."""

import contextlib
import os
import selectors
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import msgspec

from golem_vpn.errors import GolemVpnError

READY_SECONDS = 60
STOP_SECONDS = 10
LOG_LINES = 15
INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class DaemonFailed(GolemVpnError):
    """A daemon did not start. The end of its log says why; `golem-vpn doctor` checks the machine."""


class DaemonProcess(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One background daemon."""

    name: str
    pid: int
    start_time: int
    """The kernel's start time of the process, in clock ticks since boot: tells it from a later one of the same id."""
    data_dir: str

    @property
    def running(self) -> bool:
        """Whether this very process is alive."""
        return start_time(self.pid) == self.start_time

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal, if the process is still there."""
        if self.running:
            os.kill(self.pid, number)


class StartingDaemon:
    """A daemon between its start and its line `ready`."""

    def __init__(self, name: str, data_dir: Path, options: list[str]) -> None:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._log = data_dir / "daemon.log"
        command = [sys.executable, "-m", "golem_vpn", "daemon", "--name", name, "--data-dir", str(data_dir), *options]
        self._output, output = os.pipe()
        try:
            pid = _spawn(command, output, self._log)
        finally:
            os.close(output)
        self.daemon = DaemonProcess(name=name, pid=pid, start_time=start_time(pid), data_dir=str(data_dir))

    def wait_ready(self) -> None:
        """Returns when the daemon serves.

        Raises:
            DaemonFailed: it ended, or took longer than a minute.
        """
        deadline = time.monotonic() + READY_SECONDS
        printed = b""
        with open(self._output, "rb", buffering=0) as output, selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while selector.select(max(0.0, deadline - time.monotonic())):
                chunk = output.read(64)
                printed += chunk
                if b"ready\n" in printed:
                    return
                if not chunk:
                    raise self._failure(f"{self.daemon.name} ended before it was ready")
        raise self._failure(f"{self.daemon.name} was not ready within {READY_SECONDS} s")

    def _failure(self, what: str) -> DaemonFailed:
        lines = self._log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        return DaemonFailed("\n".join([f"{what}; the end of {self._log}:", *lines]))


def _spawn(command: list[str], output: int, log: Path) -> int:
    """Starts a process that outlives this one, in a session of its own."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        command[0],
        command,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, output, 1),
            (os.POSIX_SPAWN_OPEN, 2, str(log), flags, 0o600),
        ],
        setsid=True,
    )


def end_daemons(daemons: list[DaemonProcess]) -> int:
    """Ends daemons in order, by force those that take too long; gives how many were running."""
    running = [daemon for daemon in daemons if daemon.running]
    for daemon in running:
        daemon.signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while any(daemon.running for daemon in running) and time.monotonic() < deadline:
        time.sleep(0.02)
    for daemon in running:
        daemon.signal(signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(daemon.pid, os.WNOHANG)
    return len(running)


@contextlib.contextmanager
def interruptions_deferred() -> Iterator[None]:
    """Lets a step be whole: signals that would end this process are delivered after it."""
    arrived: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        arrived.append(number)

    previous = {number: signal.signal(number, note) for number in INTERRUPTIONS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        for late in arrived:
            signal.raise_signal(late)


def start_time(pid: int) -> int:
    """Gives the start time of a process, or 0 when it has ended (a zombie has)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in "ZX" else int(fields[19])
