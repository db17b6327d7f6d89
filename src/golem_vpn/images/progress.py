"""How far an image is on its way to a payload."""

from collections.abc import Callable
from enum import IntEnum

import msgspec


class Step(IntEnum):
    """What is done, in this order."""

    DOWNLOAD = 0
    UNPACK = 1


class Progress(msgspec.Struct, frozen=True):
    """How far a step is, in bytes."""

    step: Step
    done: int
    total: int | None
    """None while it is unknown."""


OnProgress = Callable[[Progress], None]
"""Hears of progress."""


class Meter:
    """Tells of progress, once for each hundredth."""

    def __init__(self, step: Step, on_progress: OnProgress) -> None:
        self._step = step
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
        self._on_progress(Progress(self._step, self._done, self._total))


def silently(_progress: Progress) -> None:
    """Takes progress that nobody waits for."""
