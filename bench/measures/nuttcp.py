"""Floods of datagrams by nuttcp, whose receiver takes a third of the processor time that iperf3's takes."""

import subprocess
from contextlib import AbstractContextManager

from bench.server import listening
from bench.wire import Host

PORT = 5202
PATIENCE = 20.0


def nuttcp_server(host: Host) -> AbstractContextManager[None]:
    """Serves at all addresses of a host.

    Raises:
        RuntimeError: it doesn't listen; its output is told.
    """
    return listening(host, ["nuttcp", "-S", "--nofork", "-P", str(PORT)], f":{PORT}")


def nuttcp_flood(host: Host, address: str, seconds: float, length: int, window: int) -> float:
    """Sends datagrams of `length` bytes to a server for whole seconds, as fast as it can; how many arrived each second.

    Args:
        host: Where it sends from.
        address: Of the server.
        seconds: How long.
        length: Bytes of a datagram.
        window: Bytes of the sockets' buffers.

    Raises:
        RuntimeError: it gave no result; what it said instead is told.
    """
    command = host.machine.command([
        "nuttcp", "-fparse", "-u", "-Ru", f"-l{length}", f"-w{window >> 10}", f"-T{max(1, round(seconds))}",
        "-P", str(PORT), address,
    ])  # fmt: skip
    finished = subprocess.run(command, capture_output=True, text=True, timeout=seconds + PATIENCE)
    said = dict(word.split("=", 1) for word in finished.stdout.split() if "=" in word)
    if not {"pkt", "drop", "real_seconds"} <= said.keys():
        raise RuntimeError(f"nuttcp gave no result: {finished.stdout}{finished.stderr}")
    return (int(said["pkt"]) - int(said["drop"])) / float(said["real_seconds"])


def nuttcp_version() -> str:
    """Names the version that is installed."""
    told = subprocess.run(["nuttcp", "-V"], capture_output=True, text=True, check=True).stdout
    return told.strip().replace("-", " ", 1)
