"""The gate over a long way that loses packets, beside the kernels' own TCP."""

import statistics

from rich.console import Console
from rich.table import Table

from bench.gate.machines import Load, Machines, machines
from bench.net.streams import LINE, available_controls

LOSSES = (0.0, 0.001, 0.01)
DIRECTIONS = ("up", "down")
PLAIN = "plain TCP"

Paths = dict[str, dict[str, dict[str, list[float]]]]
"""Mbit/s of each round, by what carries, direction with congestion control, and loss."""


def measure_paths(stacks: dict[str, tuple[str, ...]], rounds: int, seconds: float, progress: Console) -> Paths:
    """Measures both directions at each loss, alternately.

    Args:
        stacks: The options that a daemon needs for each kind of stack.
        rounds: How often.
        seconds: How long each stream lasts.
        progress: Where to tell what is being measured.
    """
    controls = available_controls()
    paths: Paths = {}
    for number in range(rounds):
        for name, options in stacks.items():
            progress.print(f"round {number + 1} of {rounds}: {name} over 40 ms")
            with machines(*options) as made:
                for loss in LOSSES:
                    made.bridge.impair(loss=loss, **LINE)
                    for row, reached in _measure(made, name, controls, seconds):
                        paths.setdefault(row[0], {}).setdefault(row[1], {}).setdefault(f"{loss:.1%}", []).append(
                            reached
                        )
    return paths


def paths_table(paths: Paths) -> Table:
    """Draws medians."""
    title = "one stream, 40 ms there and back, 100 Mbit/s: Mbit/s, medians, by loss each way"
    table = Table("direction", "through", title=title)
    for loss in LOSSES:
        table.add_column(f"{loss:.1%}", justify="right")
    for name, by_direction in paths.items():
        for direction, by_loss in by_direction.items():
            table.add_row(direction, name, *(f"{statistics.median(reached):.1f}" for reached in by_loss.values()))
    return table


def _measure(made: Machines, name: str, controls: list[str], seconds: float) -> list[tuple[tuple[str, str], float]]:
    rows = []
    for direction in DIRECTIONS:
        for control in controls:
            load = Load(direction, seconds, control)
            rows.append(((PLAIN, f"{direction}, {control}"), made.plain(load)))
            if direction == "down":
                rows.append(((name, f"{direction}, {control}"), made.gate(load)))
        if direction == "up":
            # The sender is the gate's own stack, with what congestion control that has.
            rows.append(((name, direction), made.gate(Load(direction, seconds))))
    return rows
