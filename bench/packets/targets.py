"""What golem-vpn is to reach: ratios to peers, medians of one run, and whether they were reached."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bench.measures.first_ping import FIRST_PING_MS, NEXT_PING_MS
from bench.measures.gate import GATE
from bench.measures.procedure import Measure
from bench.measures.processes import NATIVE, RESIDENT
from bench.measures.round_trips import IDLE_P50, IDLE_P99
from bench.measures.throughput import CPU_PER_GB, DATAGRAMS, LOADED_P50, LOADED_P99, TCP_BACK, TCP_FORTH
from bench.packets.contestants import BORINGTUN, CHACHA, LOW_LATENCY, OURS, PROXY, RELAYED, WIREGUARD_GO
from bench.packets.figures import Results
from bench.wire import NIC, VETH


@dataclass(frozen=True, slots=True)
class Target:
    """A bound of a ratio to a peer, or of the figure itself where there is no peer."""

    wire: str
    measure: Measure
    subject: str
    peer: str | None
    bound: float
    peer_measure: Measure | None = None
    """What is taken of the peer, if not the same."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A target, and what was reached."""

    target: Target
    reached: float | None
    """The ratio, or the figure itself; none where one of both was not measured."""

    @property
    def met(self) -> bool | None:
        """Whether the target was reached."""
        if self.reached is None:
            return None
        if self.target.measure.higher_is_better:
            return self.reached >= self.target.bound
        return self.reached <= self.target.bound


BULK = (*TCP_FORTH.values(), *TCP_BACK.values())


def _against(
    peer: str, bound: float, measures: Iterable[Measure], *, wires: tuple[str, ...] = (VETH,), subject: str = OURS
) -> Iterator[Target]:
    for wire in wires:
        for measure in measures:
            yield Target(wire, measure, subject, peer, bound)


BOTH = (VETH, NIC)
TARGETS = (
    *_against(WIREGUARD_GO, 3.0, BULK),
    *_against(WIREGUARD_GO, 1.5, BULK, wires=(NIC,)),
    *_against(WIREGUARD_GO, 2.0, BULK, subject=CHACHA),
    *_against(WIREGUARD_GO, 6.0, DATAGRAMS),
    *_against(BORINGTUN, 3.0, DATAGRAMS),
    *_against(WIREGUARD_GO, 0.3, CPU_PER_GB.values(), wires=BOTH),
    *_against(BORINGTUN, 0.6, [IDLE_P50, IDLE_P99], wires=BOTH),
    *_against(BORINGTUN, 0.2, [IDLE_P50, IDLE_P99], subject=LOW_LATENCY),
    *_against(WIREGUARD_GO, 0.3, [*LOADED_P50.values(), *LOADED_P99.values()], wires=BOTH),
    *(Target(wire, NATIVE, OURS, WIREGUARD_GO, 0.15, peer_measure=RESIDENT) for wire in BOTH),
    *_against(WIREGUARD_GO, 0.6, TCP_FORTH.values(), subject=RELAYED),
    *_against(PROXY, 0.6, GATE.values()),
    *(Target(wire, measure, OURS, None, 50.0) for wire in BOTH for measure in (FIRST_PING_MS, NEXT_PING_MS)),
)


def judge(results: Results, targets: Iterable[Target] = TARGETS) -> list[Judgement]:
    """Compares the results with those targets whose wire was measured."""
    return [Judgement(target, _reached(target, results)) for target in targets if target.wire in results.wires()]


def _reached(target: Target, results: Results) -> float | None:
    if target.peer is None:
        figure = results.row(target.wire, target.subject, target.measure)
        return figure.median if figure else None
    own, peers = (target.subject, target.measure), (target.peer, target.peer_measure or target.measure)
    reached, against = results.row(target.wire, *own, beside=peers), results.row(target.wire, *peers, beside=own)
    return reached.median / against.median if reached and against and against.median else None
