"""What websockets carry to a TCP port of the right host and back."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
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


def _measure(length: int, count: int, wire: Wire, link: Link, seconds: float) -> Figures:
    assert link.gate is not None
    load = (str(PROGRAM), "load", link.gate(PORT), str(count), str(length), str(seconds))
    with serving(wire.right, "echo", f"0.0.0.0:{PORT}"):
        reached = float(wire.left.machine.run(*load, timeout=seconds + PATIENCE))
    return {GATE[length, count]: reached / 1e6}


GATES = tuple(Procedure(measure.name, (measure,), partial(_measure, *key)) for key, measure in GATE.items())
