"""The addresses that this node's data socket may be reached at, the most promising first."""

from collections.abc import Sequence

from golem_vpn.net.dataplane import Topology
from golem_vpn.net.record import MAX_CANDIDATES, Candidate, Source

MAX_REFLECTED = 4
"""Behind a NAT that chooses a port per destination there is one for each who looked; more of them help nobody."""


def own_candidates(topology: Topology, configured: Sequence[str]) -> list[Candidate]:
    """Gives each address once, with where it comes from; the order changes only with the addresses themselves."""
    # The system is asked for them each time.
    interfaces = topology.addresses
    found: list[tuple[Source, Sequence[str]]] = [
        ("configured", configured),
        ("mapped", topology.mapped),
        ("reflected", sorted(topology.reflected[:MAX_REFLECTED])),
        ("interface", interfaces),
    ]
    unique: dict[str, Candidate] = {}
    for source, addresses in found:
        for address in addresses:
            # What an interface has is seen by others in the same network, too: it stays what it is.
            if source in ("configured", "interface") or address not in interfaces:
                unique.setdefault(address, Candidate(address, source))
    return list(unique.values())[:MAX_CANDIDATES]
