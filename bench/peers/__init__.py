"""The carriers that are compared, each a context manager that connects the two hosts of a wire."""

from bench.link import Peer
from bench.peers.bare import bare_wire
from bench.peers.golem_vpn import golem_vpn
from bench.peers.wireguard_go import wireguard_go

PEERS: dict[str, Peer] = {"golem-vpn": golem_vpn, "wireguard-go": wireguard_go, "bare veth": bare_wire}
