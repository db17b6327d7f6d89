"""What websockets carry to a TCP port of the right host and back."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from bench.link import Link
from bench.measures.procedure import Figures, Measure, Procedure
from bench.wire import Host, Wire

PROGRAM = Path(__file__).parents[2] / "target" / "release" / "golem-vpn-gate-load"
PORT = 7099
PATIENCE = 30.0
MESSAGES = {65_536: "64 KiB", 1_400: "1400 B"}
CONNECTIONS = {1: "1 connection", 100: "100 connections"}

GATE = {
    (length, count): Measure(f"gate, messages of {size}, {connections}", "MB/s", True)
    for (count, connections), (length, size) in product(CONNECTIONS.items(), MESSAGES.items())
}


@contextmanager
def serving(host: Host, *arguments: str) -> Iterator[None]:
    """Runs a part of the load program that serves.

    Raises:
        RuntimeError: it doesn't listen.
    """
    process = subprocess.Popen(host.machine.command([str(PROGRAM), *arguments]), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{PROGRAM.name} {' '.join(arguments)} does not listen")
        yield
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def _measure(wire: Wire, link: Link, seconds: float) -> Figures:
    assert link.gate is not None
    url = link.gate(PORT)
    figures: Figures = {}
    with serving(wire.right, "echo", f"0.0.0.0:{PORT}"):
        for (length, count), measure in GATE.items():
            load = (str(PROGRAM), "load", url, str(count), str(length), str(seconds))
            figures[measure] = float(wire.left.machine.run(*load, timeout=seconds + PATIENCE)) / 1e6
    return figures


GATES = Procedure("gate", tuple(GATE.values()), _measure)
