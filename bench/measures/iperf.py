"""Loads by iperf3."""

import json
import subprocess
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from bench.server import listening
from bench.wire import Host

PORT = 5201
PATIENCE = 20.0
ATTEMPTS = 3
PAUSE = 2.0
"""Before it is asked again: a server that has not noticed yet that its client is gone is busy."""


def iperf3_server(host: Host, address: str) -> AbstractContextManager[None]:
    """Serves at an address of a host.

    Raises:
        RuntimeError: it doesn't listen; its output is told.
    """
    return listening(host, ["iperf3", "--server", "--bind", address, "--port", str(PORT)], f"{address}:{PORT}")


def iperf3(host: Host, address: str, seconds: float, result: str, *options: str) -> dict[str, Any]:
    """Loads the link to a server for whole seconds, and gives the report's `end`, which has the result asked for.

    On a busy machine iperf3 may lose its own connection and end without a result; it is asked again then.

    Raises:
        RuntimeError: it never had that result; what it said instead is told.
    """
    command = host.machine.command([
        "iperf3", "--client", address, "--port", str(PORT), "--connect-timeout", "3000",
        "--time", str(max(1, round(seconds))), "--json", *options,
    ])  # fmt: skip
    said = ""
    for attempt in range(ATTEMPTS):
        time.sleep(PAUSE if attempt else 0)
        try:
            finished = subprocess.run(command, capture_output=True, text=True, timeout=seconds + PATIENCE)
        except subprocess.TimeoutExpired:
            said = "it did not end"
            continue
        said = finished.stdout
        if (end := _end(said)).get(result):
            return end
    raise RuntimeError(f"iperf3 gave no {result}: {said}")


def _end(output: str) -> dict[str, Any]:
    try:
        end: dict[str, Any] = json.loads(output)["end"]
    except (json.JSONDecodeError, KeyError):
        return {}
    return end


def longest_window() -> int:
    """Gives the bytes that the system permits a socket's buffer at most, which iperf3 insists on getting."""
    return min(int(Path("/proc/sys/net/core", name).read_text()) for name in ("rmem_max", "wmem_max"))


def iperf3_version() -> str:
    """Names the version that is installed."""
    told = subprocess.run(["iperf3", "--version"], capture_output=True, text=True, check=True).stdout
    return " ".join(told.split()[:2])
