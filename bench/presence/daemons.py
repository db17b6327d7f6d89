"""The real daemons of the measurement: the hub, and the owner of the network."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.measures.processes import cpu_seconds
from golem_vpn.cli.session import app_key, daemon_file
from golem_vpn.sdk.client import Client

STOP_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon that runs on this machine."""

    data_dir: Path
    pid: int

    def client(self) -> Client:
        """Gives a client of its API."""
        return Client(daemon_file(self.data_dir).api, app_key(self.data_dir))

    @property
    def node_id(self) -> str:
        """The daemon's node id."""
        return daemon_file(self.data_dir).node_id

    @property
    def cpu_seconds(self) -> float:
        """The processor time that it has used."""
        return cpu_seconds(self.pid)

    @property
    def resident_megabytes(self) -> float:
        """How much memory it has."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024


@contextmanager
def daemon(data_dir: Path, *options: str) -> Iterator[Daemon]:
    """Runs a daemon on loopback."""
    data_dir.mkdir(mode=0o700, parents=True)
    program = [sys.executable, "-m", "golem_vpn", "daemon", "--api", "127.0.0.1:0", "--listen", "127.0.0.1:0"]
    with open(data_dir / "daemon.log", "wb") as log:
        process = subprocess.Popen(
            [*program, "--data-dir", str(data_dir), *options], stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"the daemon did not start:\n{(data_dir / 'daemon.log').read_text()}")
        yield Daemon(data_dir, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()
