"""Programs that serve on a host while something is measured."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bench.wire import Host

PATIENCE = 20.0
PACE = 0.02


@contextmanager
def listening(host: Host, command: Sequence[str], endpoint: str) -> Iterator[None]:
    """Runs a program that listens for TCP at an endpoint, `address:port` or the end of one, until the context ends.

    Raises:
        RuntimeError: it doesn't listen; its output is told.
    """
    server = subprocess.Popen(
        host.machine.command(command), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        until_listening(host, endpoint, server, PATIENCE)
        yield
    finally:
        server.terminate()
        server.communicate(timeout=PATIENCE)


def until_listening(host: Host, endpoint: str, server: "subprocess.Popen[str]", patience: float) -> None:
    """Waits until a process of a host listens for TCP.

    Raises:
        RuntimeError: it has ended, or the seconds of patience have; what it said is told.
    """
    deadline = time.monotonic() + patience
    while endpoint not in host.machine.run("ss", "--no-header", "--listening", "--tcp", "--numeric"):
        if server.poll() is not None or time.monotonic() > deadline:
            server.terminate()
            raise RuntimeError(f"nobody listens at {endpoint}: {(server.communicate()[1] or '').strip()}")
        time.sleep(PACE)
