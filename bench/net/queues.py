"""How long a ping takes beside one TCP stream, where the wire and not the processor is what limits the stream."""

import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial

from rich.console import Console
from rich.table import Table

from bench.link import Link, Peer
from bench.measures.iperf import iperf3, iperf3_server
from bench.measures.round_trips import RAMP, Trips, pinging
from bench.net.streams import Plan, available_controls
from bench.peers.bare import bare_wire
from bench.peers.golem_vpn import golem_vpn
from bench.peers.wireguard_go import wireguard_go
from bench.wire import Wire, long_way

RATE = 100
LIMIT = 95
"""What golem-vpn is told to send at most, for the headers of the wire."""
CARRIERS: dict[str, Peer] = {
    "bare TCP": bare_wire,
    "wireguard-go": wireguard_go,
    "golem-vpn": golem_vpn,
    "golem-vpn, upload limit": partial(golem_vpn, options=("--upload-limit", str(LIMIT))),
}
DELAYS = (5.0, 20.0)
"""Milliseconds one way."""
QUEUES = (256 << 10, 1 << 20)
"""Bytes that wait for the wire at most: the bridge's own measure, 21 ms, and what cheap routers have, 84 ms."""
IDLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Line:
    """What the wire is like."""

    delay: float
    queue: int

    def __str__(self) -> str:
        return f"{self.delay * 2:.0f} ms, {self.queue >> 10} KiB"


@dataclass(frozen=True, slots=True)
class Waits:
    """Round trips in milliseconds, and what the stream beside them delivered in Mbit/s."""

    own: float
    """The median of the bare wire while nothing else passes."""
    p50: float
    p99: float
    lost_percent: float
    rate: float


LINES = tuple(Line(delay, queue) for queue in QUEUES for delay in DELAYS)
Measured = dict[str, dict[str, dict[str, list[Waits]]]]
"""Of each round, by congestion control, line and carrier."""


def measure_queues(plan: Plan, progress: Console) -> Measured:
    """Measures all carriers alternately on each line, under each congestion control that the kernel has."""
    measured: Measured = {}
    for number in range(plan.rounds):
        for name, carrier in CARRIERS.items():
            progress.print(f"round {number + 1} of {plan.rounds}: pings beside a stream, {name}")
            for control, line, waits in _measure(carrier, plan.seconds):
                by_carrier = measured.setdefault(control, {}).setdefault(str(line), {})
                by_carrier.setdefault(name, []).append(waits)
    return measured


def queues_table(measured: Measured) -> Table:
    """Draws medians, and how they compare with the wire's own round trip."""
    title = f"pings beside one TCP stream, {RATE} Mbit/s: milliseconds, and multiples of the wire's own round trip"
    table = Table("congestion control", "round trip, queue", "carrier", title=title)
    for column in ("Mbit/s", "own", "p50", "p99", "p50 to own", "p99 to own", "lost %"):
        table.add_column(column, justify="right")
    for control, by_line in measured.items():
        for line, by_carrier in by_line.items():
            for carrier, rounds in by_carrier.items():
                table.add_row(control, line, carrier, *_cells(rounds))
    return table


def as_json(measured: Measured) -> object:
    """Gives the figures as they are written."""
    return {
        control: {
            line: {carrier: [asdict(waits) for waits in rounds] for carrier, rounds in by_carrier.items()}
            for line, by_carrier in by_line.items()
        }
        for control, by_line in measured.items()
    }


def _cells(rounds: list[Waits]) -> Iterator[str]:
    own = statistics.median(waits.own for waits in rounds)
    p50, p99 = (
        statistics.median(figures) for figures in ([waits.p50 for waits in rounds], [waits.p99 for waits in rounds])
    )
    yield f"{statistics.median(waits.rate for waits in rounds):.1f}"
    yield from (f"{figure:.1f}" for figure in (own, p50, p99))
    yield from (f"{figure / own:.2f}" for figure in (p50, p99))
    yield f"{statistics.median(waits.lost_percent for waits in rounds):.2f}"


def _measure(carrier: Peer, seconds: float) -> Iterator[tuple[str, Line, Waits]]:
    """Begins anew on each line, as nothing that was learned of another one is to matter."""
    for line in LINES:
        with long_way() as (wire, bridge):
            bridge.impair(delay=line.delay, queue=line.queue, rate=RATE)
            own = _idle_round_trip(wire)
            with carrier(wire) as link:
                for control in available_controls():
                    yield control, line, _beside_stream(wire, link, control, seconds, own)


def _idle_round_trip(wire: Wire) -> float:
    began = time.time()
    with pinging(wire.left, wire.right.address) as end:
        time.sleep(IDLE_SECONDS)
        return Trips.between(began, began + IDLE_SECONDS, end()).percentiles[0] / 1000


def _beside_stream(wire: Wire, link: Link, control: str, seconds: float, own: float) -> Waits:
    began = time.time()
    with iperf3_server(wire.right, link.address), pinging(wire.left, link.address) as end_pings:
        end = iperf3(wire.left, link.address, seconds, "sum_received", "--congestion", control)
        trips = Trips.between(began + RAMP, began + seconds, end_pings())
    p50, p99 = (microseconds / 1000 for microseconds in trips.percentiles)
    return Waits(own, p50, p99, trips.lost_percent, end["sum_received"]["bits_per_second"] / 1e6)
