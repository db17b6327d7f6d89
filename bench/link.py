"""What a peer gives: a carrier between the two hosts of a wire."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bench.wire import Wire


@dataclass(frozen=True, slots=True)
class Link:
    """A carrier that is up."""

    address: str
    """Where the right host answers on it."""
    pids: list[int]
    """The processes that carry; none for the bare wire."""
    details: str
    """Version and mode, for the report."""


Peer = Callable[[Wire], AbstractContextManager[Link]]
