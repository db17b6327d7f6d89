"""Who is compared, by what, on which wires: the one list to which peers and variants of ours are added."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from bench.link import Peer
from bench.measures.first_ping import FIRST_PING
from bench.measures.gate import GATES
from bench.measures.procedure import Procedure
from bench.measures.processes import MEMORY
from bench.measures.round_trips import IDLE
from bench.measures.throughput import TCP, TCP_REVERSE, UDP
from bench.peers.bare import bare_wire
from bench.peers.boringtun import boringtun
from bench.peers.golem_vpn import golem_vpn, golem_vpn_relayed
from bench.peers.plain_proxy import plain_proxy
from bench.peers.wireguard_go import wireguard_go
from bench.wire import NIC, VETH

OURS = "golem-vpn"
CHACHA = "golem-vpn-chacha20"
LOW_LATENCY = "golem-vpn-low-latency"
WORKER = "golem-vpn-one-worker"
RELAYED = "golem-vpn-relayed"
WIREGUARD_GO = "wireguard-go"
BORINGTUN = "boringtun-cli"
BARE = "bare-wire"
PROXY = "plain-proxy"
USER_SPACE_GATE = "golem-vpn-user-space-gate"


@dataclass(frozen=True, slots=True)
class Contestant:
    """A peer, and what is done with its link on each wire that it is measured on."""

    name: str
    connect: Peer
    procedures: Mapping[str, Sequence[Procedure]]


TUNNEL = (IDLE, *TCP, *TCP_REVERSE, *UDP, MEMORY)
BULK = (*TCP, *TCP_REVERSE)

SITTINGS = ((FIRST_PING, IDLE, *UDP), (FIRST_PING, *TCP, *TCP_REVERSE, MEMORY), (FIRST_PING, *GATES))
"""What is measured while the same contestants are up, since even those that wait take a part of the processors."""

CONTESTANTS = (
    Contestant(OURS, golem_vpn, {VETH: (FIRST_PING, *TUNNEL, *GATES), NIC: (FIRST_PING, *TUNNEL)}),
    Contestant(WIREGUARD_GO, wireguard_go, {VETH: TUNNEL, NIC: TUNNEL}),
    Contestant(BORINGTUN, boringtun, {VETH: TUNNEL, NIC: TUNNEL}),
    Contestant(CHACHA, partial(golem_vpn, options=("--cipher", "chacha20-poly1305")), {VETH: BULK}),
    Contestant(LOW_LATENCY, partial(golem_vpn, options=("--low-latency",)), {VETH: (IDLE, *TCP)}),
    Contestant(WORKER, partial(golem_vpn, options=("--packet-workers", "1")), {VETH: TCP}),
    Contestant(RELAYED, golem_vpn_relayed, {VETH: TCP}),
    Contestant(USER_SPACE_GATE, partial(golem_vpn, options=("--user-space-gate",)), {VETH: GATES}),
    Contestant(PROXY, plain_proxy, {VETH: GATES}),
    Contestant(BARE, bare_wire, {VETH: (IDLE, *BULK, *UDP), NIC: UDP}),
)


def without(technique: str) -> Contestant:
    """Gives our own variant from which a technique was taken away."""
    connect = partial(golem_vpn, options=("--without", technique))
    return Contestant(f"{OURS} without {technique}", connect, {VETH: TUNNEL, NIC: TUNNEL})


def chosen(names: Iterable[str], wires: Iterable[str], techniques: Iterable[str]) -> list[Contestant]:
    """Gives those of these names on these wires, and beside them ours without each technique."""
    wanted = [contestant for contestant in CONTESTANTS if contestant.name in set(names)]
    return [
        Contestant(it.name, it.connect, {wire: it.procedures[wire] for wire in wires if wire in it.procedures})
        for it in (*wanted, *map(without, techniques))
    ]
