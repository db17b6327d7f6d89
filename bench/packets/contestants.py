"""Who is compared: the one list to which peers and variants of ours are added."""

from functools import partial

from bench.link import Peer
from bench.peers.bare import bare_wire
from bench.peers.boringtun import boringtun
from bench.peers.golem_vpn import golem_vpn, golem_vpn_relayed
from bench.peers.plain_proxy import plain_proxy
from bench.peers.wireguard_go import wireguard_go

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

CONTESTANTS: dict[str, Peer] = {
    OURS: golem_vpn,
    WIREGUARD_GO: wireguard_go,
    BORINGTUN: boringtun,
    CHACHA: partial(golem_vpn, options=("--cipher", "chacha20-poly1305")),
    LOW_LATENCY: partial(golem_vpn, options=("--low-latency",)),
    WORKER: partial(golem_vpn, options=("--packet-workers", "1")),
    RELAYED: golem_vpn_relayed,
    USER_SPACE_GATE: partial(golem_vpn, options=("--user-space-gate",)),
    PROXY: plain_proxy,
    BARE: bare_wire,
}


def without(technique: str) -> Peer:
    """Gives our own variant from which a technique was taken away."""
    return partial(golem_vpn, options=("--without", technique))
