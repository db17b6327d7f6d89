"""A procedure is done with a link and gives figures; a measure is what one of them means."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.link import Link
from bench.wire import Wire


@dataclass(frozen=True, slots=True)
class Measure:
    """One row of the table."""

    name: str
    unit: str
    higher_is_better: bool


Figures = dict[Measure, float]


@dataclass(frozen=True, slots=True)
class Procedure:
    """A way to measure; its function takes the wire, the link and how many seconds a single load lasts."""

    name: str
    measures: tuple[Measure, ...]
    run: Callable[[Wire, Link, float], Figures]
    once: bool = False
    """Whether it is done once with a link, at last, instead of in each round."""
