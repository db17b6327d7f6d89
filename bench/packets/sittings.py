"""What is measured with whom: a sitting is of those who are up at the same time.

Even those who wait take a part of the processors, and come between packets; so a sitting has those who are compared.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.link import Peer
from bench.measures.first_ping import FIRST_PING
from bench.measures.gate import GATES
from bench.measures.procedure import Procedure
from bench.measures.processes import MEMORY
from bench.measures.round_trips import IDLE
from bench.measures.throughput import TCP, TCP_REVERSE, UDP
from bench.packets.contestants import (
    BARE,
    BORINGTUN,
    CHACHA,
    CONTESTANTS,
    LOW_LATENCY,
    OURS,
    PROXY,
    RELAYED,
    USER_SPACE_GATE,
    WIREGUARD_GO,
    WORKER,
    without,
)
from bench.wire import NIC, VETH


@dataclass(frozen=True, slots=True)
class Contestant:
    """A peer, and what is done with its link."""

    name: str
    connect: Peer
    procedures: Sequence[Procedure]


@dataclass(frozen=True, slots=True)
class Sitting:
    """Those who are up at the same time, each on a wire of its own of the same kind."""

    wire: str
    contestants: Sequence[Contestant]

    def procedures(self) -> list[Procedure]:
        """Lists what is done with anybody."""
        return list(dict.fromkeys(procedure for it in self.contestants for procedure in it.procedures))

    def only(self, is_wanted: Callable[[str, Procedure], bool]) -> "Sitting":
        """Gives what is left of it, by the contestants' names and what is done with them."""
        left = (
            replace(it, procedures=[procedure for procedure in it.procedures if is_wanted(it.name, procedure)])
            for it in self.contestants
        )
        return replace(self, contestants=[it for it in left if any(not procedure.once for procedure in it.procedures)])


def _sitting(wire: str, procedures: Mapping[str, Sequence[Procedure]]) -> Sitting:
    return Sitting(wire, [Contestant(name, CONTESTANTS[name], done) for name, done in procedures.items()])


PACKETS = (*UDP, IDLE)
"""At last what is disturbed by daemons that have just been started."""
BULK = (*TCP, *TCP_REVERSE)
BULK_AT_LAST = (*BULK, MEMORY)

SITTINGS = (
    _sitting(VETH, {
        OURS: (FIRST_PING, *PACKETS), WIREGUARD_GO: PACKETS, BORINGTUN: PACKETS, LOW_LATENCY: (IDLE,), BARE: PACKETS,
    }),
    _sitting(VETH, {
        OURS: (FIRST_PING, *BULK_AT_LAST), WIREGUARD_GO: BULK_AT_LAST, BORINGTUN: BULK_AT_LAST, BARE: BULK,
    }),
    _sitting(VETH, {WIREGUARD_GO: BULK, CHACHA: BULK, LOW_LATENCY: TCP, WORKER: TCP, RELAYED: TCP}),
    _sitting(VETH, {OURS: (FIRST_PING, *GATES), USER_SPACE_GATE: GATES, PROXY: GATES}),
    _sitting(NIC, {OURS: (FIRST_PING, *PACKETS), WIREGUARD_GO: PACKETS, BORINGTUN: PACKETS, BARE: UDP}),
    _sitting(NIC, {OURS: (FIRST_PING, *BULK_AT_LAST), WIREGUARD_GO: BULK_AT_LAST, BORINGTUN: BULK_AT_LAST}),
)  # fmt: skip


def chosen(names: Collection[str], wires: Collection[str], techniques: Iterable[str]) -> list[Sitting]:
    """Gives the sittings of these names on these wires, and beside ours ours without each technique."""
    lacking = {f"{OURS} without {technique}": without(technique) for technique in techniques}
    return [
        _beside_ours(sitting.only(lambda name, _procedure: name in names), lacking)
        for sitting in SITTINGS
        if sitting.wire in wires
    ]


def drop_repetitions(sittings: Iterable[Sitting]) -> list[Sitting]:
    """Leaves out sittings that have nothing that was not in one before, as nobody is left to compare it with."""
    seen: set[tuple[str, str, Procedure]] = set()
    left = []
    for sitting in sittings:
        done = {(sitting.wire, it.name, procedure) for it in sitting.contestants for procedure in it.procedures}
        if not done <= seen:
            left.append(sitting)
            seen |= done
    return left


def _beside_ours(sitting: Sitting, lacking: Mapping[str, Peer]) -> Sitting:
    """Adds variants that do what ours does, but for what is the same with all of them."""
    left_out = {FIRST_PING, *GATES}
    done = [procedure for it in sitting.contestants if it.name == OURS for procedure in it.procedures]
    left = [procedure for procedure in done if procedure not in left_out]
    variants = [Contestant(name, connect, left) for name, connect in lacking.items()] if left else []
    return replace(sitting, contestants=[*sitting.contestants, *variants])
