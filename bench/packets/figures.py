"""What every contestant reached on every wire in every round."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.measures.procedure import Figures, Measure


@dataclass(frozen=True, slots=True)
class Row:
    """The values of one contestant by one measure on one wire, a value for each round."""

    wire: str
    contestant: str
    measure: Measure
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median over the rounds."""
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """Half of the distance from the least to the most, as a part of the median."""
        return (max(self.values) - min(self.values)) / 2 / self.median if self.median else 0.0


@dataclass(slots=True)
class Results:
    """Collects figures, in the order in which they come."""

    details: dict[str, str] = field(default_factory=dict)
    """What each contestant is: version and mode."""
    failures: list[str] = field(default_factory=list)
    """What could not be measured, and why."""
    _values: dict[tuple[str, str, Measure], list[tuple[int, float]]] = field(default_factory=dict)
    """Each with the number of its sitting."""
    _sitting: int = 0

    def begin_sitting(self) -> None:
        """Says that what comes is of another sitting: only what is of the same one can be compared."""
        self._sitting += 1

    def add(self, wire: str, contestant: str, figures: Figures) -> None:
        """Takes figures of one round."""
        for measure, value in figures.items():
            self._values.setdefault((wire, contestant, measure), []).append((self._sitting, value))

    def row(
        self, wire: str, contestant: str, measure: Measure, *, beside: tuple[str, Measure] | None = None
    ) -> Row | None:
        """Gives a contestant's values; none where it was not measured so.

        Args:
            wire: On which wire.
            contestant: Of whom.
            measure: By which measure.
            beside: Who was measured, and how, in the same sittings, where only these are wanted.
        """
        values = self._values.get((wire, contestant, measure), [])
        if beside is not None:
            shared = {sitting for sitting, _ in self._values.get((wire, *beside), [])}
            values = [(sitting, value) for sitting, value in values if sitting in shared]
        return Row(wire, contestant, measure, tuple(value for _, value in values)) if values else None

    def rows(self) -> Iterator[Row]:
        """Gives all values."""
        for (wire, contestant, measure), values in self._values.items():
            yield Row(wire, contestant, measure, tuple(value for _, value in values))

    def wires(self) -> list[str]:
        """Lists the wires that were measured."""
        return list(dict.fromkeys(row.wire for row in self.rows()))

    def contestants(self, wire: str) -> list[str]:
        """Lists who was measured on a wire."""
        return list(dict.fromkeys(row.contestant for row in self.rows() if row.wire == wire))

    def measures(self, wire: str) -> list[Measure]:
        """Lists what was measured on a wire."""
        return list(dict.fromkeys(row.measure for row in self.rows() if row.wire == wire))
