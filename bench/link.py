"""What a peer gives: a carrier between the two hosts of a wire."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bench.wire import Wire


@dataclass(frozen=True, slots=True)
class Carrier:
    """A process that carries packets."""

    pid: int
    resident_before: int = 0
    """Bytes that it held before it had anything to carry."""


@dataclass(frozen=True, slots=True)
class Link:
    """A carrier that is up."""

    address: str
    """Where the right host answers on it."""
    carriers: tuple[Carrier, ...]
    """The processes on the way; none for the bare wire."""
    details: str
    """Version and mode, for the report."""
    gate: Callable[[int], str] | None = None
    """Gives the URL, for the left host, of a websocket to a TCP port of the right one."""
    first_ping: float | None = None
    """Seconds from the call that made the network to the first answered ping."""
    next_ping: Callable[[], float] | None = None
    """Makes another network, and gives the same of that."""


Peer = Callable[[Wire], AbstractContextManager[Link]]
