"""The internet of the laboratory, and the sites in it."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from random import randrange

from tests.lab.namespace import Namespace
from tests.lab.rules import WIDE, clamp, end_silence, rebound, silence
from tests.lab.sites import Kind, Settings
from tests.lab.wire import Wire, join

INSIDE = "lan0"
DAEMON_PORTS = (11500, 11501)
"""Where daemons listen by default."""


@dataclass(frozen=True)
class Site:
    """A machine, and what stands between it and the internet."""

    kind: Kind
    number: int
    machines: tuple[Namespace, ...]
    """The machines inside, all at one switch where there is a router."""
    routers: tuple[Namespace, ...]
    """From the internet inwards."""
    wire: Wire | None
    """The wire to the internet, where it is one that does harm; `forth` is towards the site."""

    @property
    def machine(self) -> Namespace:
        """The first machine."""
        return self.machines[0]

    @property
    def outermost(self) -> Namespace:
        """What the wire from the internet ends at."""
        return (*self.routers, self.machine)[0]

    @property
    def public_address(self) -> str:
        """The IPv4 address under which the internet sees the site until it moves."""
        return f"198.18.{self.number}.2"

    @property
    def line(self) -> str:
        """The interface of the internet that the site's wire begins at."""
        return f"site{self.number}"

    def move(self) -> None:
        """Gives the site another public IPv4 address; all that was mapped is forgotten."""
        self._change_address(*self._present_and_next())

    def rebind(self) -> None:
        """Has the router forget all that was mapped and give daemons other ports, as one that restarts may."""
        present, _ = self._present_and_next()
        first = randrange(20_000, 60_000, len(DAEMON_PORTS))
        self.routers[0].nft(rebound(dict(zip(DAEMON_PORTS, count(first), strict=False))))
        # The kernel forgets what is mapped to an address that goes.
        self._change_address(present, present)

    def _present_and_next(self) -> tuple[str, str]:
        one, other = (f"198.18.{self.number}.{host}/24" for host in (2, 3))
        has_one = one in self.outermost.run("ip", "-4", "address", "show", "dev", WIDE)
        return (one, other) if has_one else (other, one)

    def _change_address(self, old: str, new: str) -> None:
        self.outermost.ip(
            f"address delete {old} dev {WIDE}",
            f"address add {new} dev {WIDE}",
            f"route replace default via 198.18.{self.number}.1",
        )


class Laboratory:
    """An internet that sites can be added to; public addresses are those for benchmarks (RFC 2544) and examples."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._tag = f"gvl{os.getpid()}"
        self._sites = 0
        self.internet = self._namespace("internet")
        self.internet.set(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)

    def site(self, kind: Kind, *, machines: int = 1, **wire: float) -> Site:
        """Adds a site.

        Args:
            kind: What it looks like.
            machines: How many machines are inside; more than one needs a router.
            wire: What the wire to the internet does beside what belongs to the kind, as in `Wire.impair`.
        """
        self._sites += 1
        number = self._sites
        routers = tuple(self._namespace(f"{number}r{place}") for place in range(len(kind.routers)))
        inside = tuple(self._namespace(f"{number}m{place}") for place in range(machines))
        site = Site(kind, number, inside, routers, self._uplink(number, kind, wire, (*routers, *inside)[0]))
        for place, router in enumerate(routers):
            router.set(ipv4__ip_forward=1)
            router.nft(kind.routers[place])
            self._inner_network(site, place)
        return site

    def block_udp(self, site: Site) -> None:
        """Lets no UDP through between a site and the internet any more."""
        self.internet.nft(silence(site.line))

    def unblock_udp(self, site: Site) -> None:
        """Lets it through again."""
        self.internet.nft(end_silence(site.line))

    def _uplink(self, number: int, kind: Kind, harm: Settings, outermost: Namespace) -> Wire | None:
        ends = (self.internet, f"site{number}"), (outermost, WIDE)
        wire = None
        if harm := {**kind.wire, **harm}:
            wire = Wire(*ends)
            self._stack.callback(wire.close)
            wire.impair(**harm)
            if mtu := harm.get("mtu"):
                self.internet.nft(clamp(ends[0][1], int(mtu)))
        else:
            join(*ends)
        for (namespace, interface), host in zip(ends, (1, 2), strict=True):
            for family in kind.families:
                network, length, nodad = _network(family, number)
                namespace.ip(f"address add {network}{host}/{length} dev {interface} {nodad}")
        for family in kind.families:
            outermost.ip(f"route add default via {_network(family, number)[0]}1")
        return wire

    def _inner_network(self, site: Site, place: int) -> None:
        """Joins what is inside of a router to it, by a switch."""
        router = site.routers[place]
        last = place + 1 == len(site.routers)
        network = self._inner_prefix(site, last)
        router.ip(f"link add {INSIDE} type bridge", f"link set {INSIDE} up", f"address add {network}1/24 dev {INSIDE}")
        for host, inner in enumerate(site.machines if last else (site.routers[place + 1],), start=2):
            join((router, f"port{host}"), (inner, WIDE))
            router.ip(f"link set port{host} master {INSIDE}")
            inner.ip(f"address add {network}{host}/24 dev {WIDE}", f"route add default via {network}1")

    def _inner_prefix(self, site: Site, last: bool) -> str:
        if site.kind.public_inside:
            self.internet.ip(f"route add 198.19.{site.number}.0/24 via {site.public_address}")
            return f"198.19.{site.number}."
        # All homes use the same addresses, as homes do.
        return "192.168.1." if last else "100.64.0."

    def _namespace(self, name: str) -> Namespace:
        namespace = Namespace(f"{self._tag}-{name}")
        self._stack.callback(namespace.delete)
        return namespace


@contextmanager
def laboratory() -> Iterator[Laboratory]:
    """Gives a laboratory; removes all of it afterwards."""
    with ExitStack() as stack:
        yield Laboratory(stack)


def _network(family: int, number: int) -> tuple[str, int, str]:
    return (f"198.18.{number}.", 24, "") if family == 4 else (f"2001:db8:{number}::", 64, "nodad")
