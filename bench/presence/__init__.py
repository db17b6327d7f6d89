"""Presence and directory of a network of 1,000 nodes on one hub."""

import json
import statistics
from dataclasses import asdict
from pathlib import Path

import anyio
from rich.console import Console
from rich.table import Table

from bench.presence.scenario import FULL, QUICK, Figures, measure_presence
from bench.report import RESULTS


def run_presence(console: Console, *, quick: bool) -> Path:
    """Measures all of it, prints it, and gives where it was written."""
    progress = Console(stderr=True)
    figures = anyio.run(
        measure_presence, QUICK if quick else FULL, progress.print, backend_options={"use_uvloop": True}
    )
    console.print(_table(figures))
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / "presence.json"
    path.write_text(json.dumps(asdict(figures), indent=2) + "\n")
    return path


def _table(figures: Figures) -> Table:
    table = Table("", title=f"{figures.nodes:,} nodes on one hub, all of one network")
    for column in ("median", "p99", "most"):
        table.add_column(column, justify="right")
    for name, seconds in (
        ("all join at once [s]", figures.join),
        ("all join at once, until each has the network [s]", figures.network_known),
        ("an address was added, until each member knows [s]", figures.address_added),
        ("a node was removed, until each member knows [s]", figures.node_removed),
        ("nodes vanished, until members asked see it [s]", figures.presence_at_members),
    ):
        table.add_row(_escaped(name), *(f"{it:.2f}" for it in _quantiles(seconds)))
    for name, value in (
        ("nodes vanished, until the hub's list shows it [s]", figures.presence_at_hub),
        ("hub: CPU of the joining [s]", figures.hub_cpu_of_joining),
        ("hub: CPU at rest [s/s]", figures.hub_cpu_at_rest),
        ("hub: CPU of a change [s]", figures.hub_cpu_of_change),
        ("hub: memory [MB]", figures.hub_megabytes),
        ("owner: CPU of adding all nodes [s]", figures.owner_cpu_of_adding),
        ("owner: CPU at rest [s/s]", figures.owner_cpu_at_rest),
        ("owner: CPU of a change [s]", figures.owner_cpu_of_change),
        ("owner: memory [MB]", figures.owner_megabytes),
    ):
        table.add_row(_escaped(name), "", "", f"{value:.2f}")
    return table


def _quantiles(seconds: list[float]) -> tuple[float, float, float]:
    """Gives the median, the 99th percentile and the most."""
    percentiles = statistics.quantiles(seconds, n=100, method="inclusive")
    return percentiles[49], percentiles[98], max(seconds)


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")
