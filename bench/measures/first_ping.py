"""How soon a network that is made carries its first packets; each link of ours was timed while it was made."""

from bench.link import Link
from bench.measures.procedure import Figures, Measure, Procedure
from bench.wire import Wire

FIRST_PING_MS = Measure("network made, until the first answered ping", "ms", False)


def _measure(_wire: Wire, link: Link, _seconds: float) -> Figures:
    return {} if link.first_ping is None else {FIRST_PING_MS: link.first_ping * 1000}


FIRST_PING = Procedure("first ping", (FIRST_PING_MS,), _measure, once=True)
