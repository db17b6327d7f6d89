"""What path each pair of sites should come to, and why: to be checked by thought.

Of two machines one must be reachable for the other. A NAT or firewall lets in what answers its own packets; so two of
them get through to each other when both send first, if each knows the address and port to send to. A NAT that chooses a
port for each destination keeps its from being known: then the other side must let anybody in. Who can't send UDP, or
shares no version of IP with the other, is left with the relay.
"""

from dataclasses import dataclass

from tests.lab.sites import KINDS, Kind

GRID = """
           public home double symmetric firewall no-udp six narrow tight rough slow
public     .
home       .      .
double     .      .    .
symmetric  .      1    1      2
firewall   .      .    .      1         .
no-udp     U      U    U      U         U        U
six        .      6    6      6         6        U      .
narrow     .      .    .      .         .        U      6   .
tight      .      .    .      .         .        U      6   .      .
rough      .      .    .      .         .        U      6   .      .     .
slow       .      .    .      .         .        U      6   .      .     .     .
"""


@dataclass(frozen=True)
class Expectation:
    """A path, and what its reason should say."""

    kind: str
    reason: str
    """A part of it, as a regular expression."""


MEANINGS = {
    ".": Expectation("direct", ""),
    "1": Expectation("relayed", "NAT .*chooses a port per destination"),
    "2": Expectation("relayed", "both NATs choose a port per destination"),
    "U": Expectation("relayed", "UDP"),
    "6": Expectation("relayed", "no version of IP is common"),
}


def _read(grid: str) -> dict[frozenset[Kind], Expectation]:
    kinds = {kind.name: kind for kind in KINDS}
    header, *rows = (line.split() for line in grid.strip().splitlines())
    return {
        frozenset((kinds[name], kinds[other])): MEANINGS[mark]
        for name, *marks in rows
        for other, mark in zip(header, marks, strict=False)
    }


EXPECTED = _read(GRID)
"""By the two kinds; of a kind with itself by that one."""
