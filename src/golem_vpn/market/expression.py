"""What a constraint says of properties, as a tree; each node is true, false, or neither.

A comparison with a property that is absent is neither, and so is its opposite: what was not said meets no constraint on
it, however the constraint is turned.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Properties = Mapping[str, Any]


class Expression(ABC):
    """A constraint; its text, as `str` gives it, can be parsed again."""

    @abstractmethod
    def holds(self, properties: Properties) -> bool | None:
        """Tells whether it is true of properties; none where that can't be told."""

    def matches(self, properties: Properties) -> bool:
        """Tells whether it is certainly true of properties."""
        return self.holds(properties) is True


@dataclass(frozen=True)
class All(Expression):
    """True if all parts are, as where there are none; false if one is."""

    parts: tuple[Expression, ...]

    def holds(self, properties: Properties) -> bool | None:
        """Tells whether all parts are true."""
        outcome: bool | None = True
        for part in self.parts:
            held = part.holds(properties)
            if held is False:
                return False
            outcome = outcome and held
        return outcome

    def __str__(self) -> str:
        return f"(&{''.join(map(str, self.parts))})"


@dataclass(frozen=True)
class AnyOf(Expression):
    """True if one of the parts is; false if all are, as where there are none."""

    parts: tuple[Expression, ...]

    def holds(self, properties: Properties) -> bool | None:
        """Tells whether one of the parts is true."""
        outcome: bool | None = False
        for part in self.parts:
            held = part.holds(properties)
            if held is True:
                return True
            outcome = None if held is None else outcome
        return outcome

    def __str__(self) -> str:
        return f"(|{''.join(map(str, self.parts))})"


@dataclass(frozen=True)
class Not(Expression):
    """True if the part is false, and the other way round."""

    part: Expression

    def holds(self, properties: Properties) -> bool | None:
        """Tells whether the part is false."""
        held = self.part.holds(properties)
        return None if held is None else not held

    def __str__(self) -> str:
        return f"(!{self.part})"


@dataclass(frozen=True)
class Presence(Expression):
    """Whether a property is there at all."""

    name: str

    def holds(self, properties: Properties) -> bool:
        """Tells whether the property is there."""
        return properties.get(self.name) is not None

    def __str__(self) -> str:
        return f"({self.name}=*)"
