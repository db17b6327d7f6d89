"""What one TCP stream carries through a relay, and directly between the same machines."""

import statistics
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.measures.throughput import tcp_throughput
from bench.wire import Host
from tests.lab.pulse import Pulse
from tests.lab.sites import PUBLIC
from tests.lab.stage import ADDRESSES, stage

INTERFACE = "vpn0"
OPTIONS = {"direct": (), "relayed": ("--relayed-only",)}

Throughputs = dict[str, list[float]]
"""Mbit/s of each round, by the kind of path."""


def measure_relayed(rounds: int, seconds: float, progress: Console) -> Throughputs:
    """Measures both kinds of path alternately; both machines, the relay and the load share this one."""
    reached: Throughputs = {}
    for number in range(rounds):
        for path, options in OPTIONS.items():
            progress.print(f"round {number + 1} of {rounds}: throughput, {path}")
            with (
                tempfile.TemporaryDirectory(prefix="golem-vpn-bench-") as folder,
                stage(Path(folder), (PUBLIC, PUBLIC), *options) as made,
            ):
                with Pulse(made.nodes[0].machine, ADDRESSES[1]) as pulse:
                    pulse.wait_steady()
                made.wait_path(path)
                ends = zip(made.nodes, ADDRESSES, strict=True)
                left, right = (Host(node.machine, address, INTERFACE) for node, address in ends)
                reached.setdefault(path, []).append(tcp_throughput(left, right, right.address, seconds))
    return reached


def relayed_table(reached: Throughputs) -> Table:
    """Draws medians with the least and the most."""
    table = Table("path", title="one TCP stream between two machines in the internet, Mbit/s")
    for column in ("median", "least", "most"):
        table.add_column(column, justify="right")
    for path, rates in reached.items():
        table.add_row(path, *(f"{rate:,.0f}" for rate in (statistics.median(rates), min(rates), max(rates))))
    return table
