"""Comparisons of a property with a value; the type of the property decides what is compared."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from golem_vpn.market.expression import Expression, Properties
from golem_vpn.market.lazy import lazy
from golem_vpn.market.operands import Operand, Version, read_decimal, read_moment, read_version

if TYPE_CHECKING:
    from datetime import datetime

EQUAL = "="
UNEQUAL = "<>"
ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
OPERATORS = (EQUAL, UNEQUAL, *ORDERINGS)
READINGS = ("d", "t", "v")
"""How texts may be asked to be read, as in `name$v`: as decimal numbers, as times, as versions."""


@dataclass(frozen=True)
class Comparison(Expression):
    """A property, an operator, and a value."""

    name: str
    operator: str
    value: str
    reading: str = ""

    @lazy
    def operand(self) -> Operand:
        """Gives the value for reading."""
        return Operand(self.value)

    @lazy
    def bound(self) -> int | float | None:
        """Gives the number that numbers must be less or more than, if it is such a comparison."""
        return self.operand.number if self.operator in ORDERINGS and not self.reading else None

    @lazy
    def is_plain_text(self) -> bool:
        """Tells whether it is true of one text only."""
        is_special = self.reading or self.operand.wildcard is not None or self.operand.moment is not None
        return self.operator == EQUAL and not is_special

    def holds(self, properties: Properties) -> bool | None:
        """Tells whether it is so; none where the property is absent, or can't be read as is asked."""
        return self.test(properties.get(self.name))

    def test(self, value: Any) -> bool | None:
        """Tells whether it is so for this value of the property."""
        if value is None:
            return None
        if self.reading:
            read = _read(value, self.reading)
            return None if read is None else self._test_read(read)
        if self.operator in ORDERINGS:
            return self._test_order(value)
        return _equals(value, self.operand) is (self.operator == EQUAL)

    def __str__(self) -> str:
        reading = f"${self.reading}" if self.reading else ""
        return f"({self.name}{reading}{self.operator}{self.value})"

    def _test_order(self, value: Any) -> bool:
        compare = ORDERINGS[self.operator]
        match value:
            case str():
                moment = read_moment(value) if self.operand.moment else None
                return compare(value, self.value) if moment is None else compare(moment, self.operand.moment)
            case bool():
                return False
            case int() | float():
                return self.operand.number is not None and compare(value, self.operand.number)
            case _:
                return False

    def _test_read(self, value: "Decimal | datetime | Version") -> bool:
        other = {"d": self.operand.decimal, "t": self.operand.moment, "v": self.operand.version}[self.reading]
        if self.operator in ORDERINGS:
            return other is not None and ORDERINGS[self.operator](value, other)
        return (value == other) is (self.operator == EQUAL)


def _equals(value: Any, operand: Operand) -> bool:
    match value:
        case str():
            return _text_equals(value, operand)
        case bool():
            return value is operand.boolean
        case int() | float():
            return value == operand.number
        case list():
            return _list_equals(value, operand)
        case _:
            return False


def _text_equals(value: str, operand: Operand) -> bool:
    if operand.wildcard is not None:
        return operand.wildcard.matches(value)
    # The same moment may be written in several ways.
    return value == operand.text or (operand.moment is not None and read_moment(value) == operand.moment)


def _list_equals(values: list[Any], operand: Operand) -> bool:
    """Tells whether a list contains a plain value, or has the same items as a list, in any order."""
    if operand.items is None:
        return any(_equals(value, operand) for value in values)
    return (
        len(values) == len(operand.items)
        and all(any(_equals(value, item) for value in values) for item in operand.items)
        and all(any(_equals(value, item) for item in operand.items) for value in values)
    )


def _read(value: Any, reading: str) -> "Decimal | datetime | Version | None":
    if reading == "d" and isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value))
    if not isinstance(value, str):
        return None
    return {"d": read_decimal, "t": read_moment, "v": read_version}[reading](value)
