"""How soon two machines reach each other, and for how long nothing comes through when something befalls them."""

import statistics
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.lab.pulse import Pulse
from tests.lab.sites import HOME, SYMMETRIC
from tests.lab.stage import ADDRESSES, EVENTS, stage

PATHS = {(HOME, HOME): "direct", (SYMMETRIC, SYMMETRIC): "relayed"}

Seconds = dict[str, dict[str, list[float]]]
"""Of each round, by pair of sites and by what was measured."""


def measure_outages(rounds: int, progress: Console) -> Seconds:
    """Sets pairs up anew in each round, and lets all events happen to them."""
    seconds: Seconds = {}
    for number in range(rounds):
        for kinds, path in PATHS.items():
            pair = f"{kinds[0].name} and {kinds[1].name}, {path}"
            progress.print(f"round {number + 1} of {rounds}: {pair}")
            taken = seconds.setdefault(pair, {})
            with (
                tempfile.TemporaryDirectory(prefix="golem-vpn-bench-") as folder,
                stage(Path(folder), kinds) as made,
                Pulse(made.nodes[0].machine, ADDRESSES[1]) as pulse,
            ):
                taken.setdefault(f"to the {path} path", []).append(made.wait_path(path) - made.began)
                taken.setdefault("to the first packet", []).append(pulse.first_arrival() - made.began)
                for name, event in EVENTS[path].items():
                    pulse.wait_steady()
                    made.wait_path(path)
                    with event(made) as began:
                        pulse.wait_steady()
                        taken.setdefault(name, []).append(pulse.longest_silence(began))
    return seconds


def outages_table(seconds: Seconds) -> Table:
    """Draws medians and the most."""
    table = Table("machines at", "what", title="seconds to the first packet, and without one after an event")
    for column in ("median", "most"):
        table.add_column(column, justify="right")
    for pair, by_event in seconds.items():
        for event, taken in by_event.items():
            table.add_row(pair, event, f"{statistics.median(taken):.2f}", f"{max(taken):.2f}")
    return table
