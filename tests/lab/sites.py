"""The kinds of sites: what stands between a machine and the internet."""

from dataclasses import dataclass, field

from tests.lab import rules

Settings = dict[str, float]


@dataclass(frozen=True)
class Kind:
    """One kind of site; machines stand directly in the internet, or behind routers."""

    name: str
    routers: tuple[str, ...] = ()
    """The rulesets of the routers, from the internet inwards."""
    families: tuple[int, ...] = (4,)
    public_inside: bool = False
    """Whether the machines behind the router have public addresses."""
    wire: Settings = field(default_factory=dict, hash=False)
    """What the wire to the internet does to packets, both ways; a perfect one where it is empty."""


PUBLIC = Kind("public", families=(4, 6))
HOME = Kind("home", (rules.HOME,))
DOUBLE = Kind("double", (rules.HOME, rules.HOME))
SYMMETRIC = Kind("symmetric", (rules.SYMMETRIC,))
FIREWALL = Kind("firewall", (rules.STATEFUL,), public_inside=True)
NO_UDP = Kind("no-udp", (rules.HOME + rules.NO_UDP,))
SIX = Kind("six", families=(6,))
NARROW = Kind("narrow", wire={"mtu": 1280})
TIGHT = Kind("tight", wire={"mtu": 1100})
"""Too narrow for IPv6, and for QUIC, whose first packets have 1200 bytes (RFC 9000, section 14)."""
ROUGH = Kind("rough", wire={"delay": 20, "hold": 5, "loss": 0.02, "duplicate": 0.01, "reorder": 0.02})
SLOW = Kind("slow", wire={"rate": 10, "queue": 32_000})
"""Its queue delays packets by 26 ms at most."""
KINDS = (PUBLIC, HOME, DOUBLE, SYMMETRIC, FIREWALL, NO_UDP, SIX, NARROW, TIGHT, ROUGH, SLOW)
