"""How soon networks carry their first packets: the one that a link was made of, and another one."""

from bench.link import Link
from bench.measures.procedure import Figures, Measure, Procedure
from bench.wire import Wire

FIRST_PING_MS = Measure("network made, until the first answered ping", "ms", False)
NEXT_PING_MS = Measure("another network, until the first answered ping", "ms", False)


def _measure(_wire: Wire, link: Link, _seconds: float) -> Figures:
    if link.first_ping is None or link.next_ping is None:
        return {}
    return {FIRST_PING_MS: link.first_ping * 1000, NEXT_PING_MS: link.next_ping() * 1000}


FIRST_PING = Procedure("first ping", (FIRST_PING_MS, NEXT_PING_MS), _measure, once=True)
