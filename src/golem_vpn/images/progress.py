"""How far something is, for those who wait."""

from collections.abc import Callable

import msgspec


class Progress(msgspec.Struct, frozen=True):
    """How far a step of several is."""

    message: str
    """What is done, such as `downloading`."""
    done: int
    total: int | None
    """None while it is unknown."""


OnProgress = Callable[[Progress], None]
"""Hears of progress on the thread where the work is done; it must not wait."""


class Meter:
    """Tells of progress, once for each hundredth."""

    def __init__(self, message: str, on_progress: OnProgress) -> None:
        self._message = message
        self._on_progress = on_progress
        self._total = 0
        self._done = 0
        self._next = 0

    def begin(self, total: int) -> None:
        """Says how much there is to do."""
        self._total = total
        self._tell()

    def advance(self, amount: int) -> None:
        """Says that more has been done."""
        self._done += amount
        if self._done >= self._next or self._done == self._total:
            self._tell()

    def _tell(self) -> None:
        self._next = self._done + max(1, self._total // 100)
        self._on_progress(Progress(self._message, self._done, self._total))


def silently(_progress: Progress) -> None:
    """Takes progress that nobody waits for."""
