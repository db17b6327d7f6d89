"""The part `gate` of the benchmarks."""

import json
from pathlib import Path

from rich.console import Console

from bench.gate.paths import measure_paths, paths_table
from bench.report import RESULTS, machine

STACKS: dict[str, tuple[str, ...]] = {"gate": (), "gate, user space": ("--user-space-gate",)}
"""The options of daemons, by the TCP/IP stack that their gates use."""


def run_gate(console: Console, *, quick: bool, rounds: int | None) -> Path:
    """Measures, prints, and gives where the figures were written."""
    rounds = rounds or (1 if quick else 3)
    paths = measure_paths(STACKS, rounds, 4.0 if quick else 10.0, Console(stderr=True))
    console.print(paths_table(paths))
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / "gate.json"
    content = {"machine": machine(), "long paths in Mbit/s": paths}
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path
