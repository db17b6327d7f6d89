"""A TCP stream inside each carrier, over a wire with the delay and the losses of a long way."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.link import Peer
from bench.measures.throughput import tcp_throughput
from bench.peers.bare import bare_wire
from bench.peers.golem_vpn import golem_vpn
from bench.peers.tcp_in_tcp import tcp_in_tcp
from bench.peers.wireguard_go import wireguard_go
from bench.wire import long_way

CONTROLS = ("bbr", "cubic")
LOSSES = (0.0, 0.01, 0.03)
LINE = {"delay": 20, "rate": 100}
"""40 ms there and back, 100 Mbit/s."""
AVAILABLE = Path("/proc/sys/net/ipv4/tcp_available_congestion_control")

Figures = dict[str, dict[str, dict[str, list[float]]]]
"""Mbit/s of each round, by congestion control, carrier and loss in percent."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int
    seconds: float


def available_controls() -> list[str]:
    """Names those congestion controls that the kernel has."""
    return [control for control in CONTROLS if control in AVAILABLE.read_text().split()]


def measure_streams(plan: Plan, progress: Console) -> Figures:
    """Measures all carriers alternately under each congestion control that the kernel has."""
    figures: Figures = {control: {} for control in available_controls()}
    for number in range(plan.rounds):
        for control, by_carrier in figures.items():
            for name, carrier in _carriers(control).items():
                progress.print(f"round {number + 1} of {plan.rounds}: {name}, {control}")
                by_loss = by_carrier.setdefault(name, {})
                for loss, reached in _measure(carrier, control, plan.seconds):
                    by_loss.setdefault(f"{loss:.0%}", []).append(reached)
    return figures


def streams_table(figures: Figures) -> Table:
    """Draws medians; names what the kernel lacks."""
    title = "one TCP stream inside, 40 ms there and back, 100 Mbit/s: Mbit/s, medians, by loss each way"
    missing = [control for control in CONTROLS if control not in figures]
    caption = f"this kernel has no {' and no '.join(missing)}" if missing else None
    table = Table("congestion control", "carrier", title=title, caption=caption)
    for loss in LOSSES:
        table.add_column(f"{loss:.0%}", justify="right")
    for control, by_carrier in figures.items():
        for carrier, by_loss in by_carrier.items():
            table.add_row(control, carrier, *(f"{statistics.median(reached):.1f}" for reached in by_loss.values()))
    return table


def _carriers(control: str) -> dict[str, Peer]:
    return {
        "bare TCP": bare_wire,
        "wireguard-go": wireguard_go,
        "golem-vpn": golem_vpn,
        "TCP in TCP": partial(tcp_in_tcp, control=control),
    }


def _measure(carrier: Peer, control: str, seconds: float) -> Iterator[tuple[float, float]]:
    """Gives what is reached at each loss."""
    with long_way() as (wire, bridge):
        bridge.impair(**LINE)
        with carrier(wire) as link:
            for loss in LOSSES:
                bridge.impair(loss=loss)
                yield loss, tcp_throughput(wire.left, wire.right, link.address, seconds, control)
