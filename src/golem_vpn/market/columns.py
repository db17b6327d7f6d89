"""Many sets of properties, asked all at once for which of them an expression is true."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from golem_vpn.market.comparison import EQUAL, UNEQUAL, Comparison
from golem_vpn.market.expression import All, AnyOf, Expression, Not, Presence
from golem_vpn.market.masks import NumberMasks, is_number, put_in, take_out

MAX_REMEMBERED = 256
"""How many answers about one property are remembered until it changes; most demands ask the same of most properties."""


class Verdict(NamedTuple):
    """Where something is true, and where it is false; for the rest it is neither."""

    true: int
    false: int


class Columns:
    """A column for each property, which knows the sets by value."""

    def __init__(self) -> None:
        self._all = 0
        self._columns: defaultdict[str, _Column] = defaultdict(_Column)

    def add(self, bit: int, properties: Mapping[str, Any]) -> None:
        """Takes in a set of properties under a bit that no other has."""
        self._all |= bit
        for name, value in properties.items():
            if value is not None:
                self._columns[name].add(bit, value)

    def remove(self, bit: int, properties: Mapping[str, Any]) -> None:
        """Forgets a set, given as it was taken in."""
        self._all &= ~bit
        for name, value in properties.items():
            if value is not None:
                column = self._columns[name]
                column.remove(bit, value)
                if not column.present:
                    del self._columns[name]

    def ask(self, expression: Expression) -> Verdict:
        """Tells for which sets an expression is true, and for which it is false."""
        match expression:
            case Comparison(name=name):
                column = self._columns.get(name)
                return Verdict(0, 0) if column is None else column.ask(expression)
            case Presence(name=name):
                column = self._columns.get(name)
                present = 0 if column is None else column.present
                return Verdict(present, self._all & ~present)
            case Not(part=part):
                return _opposite(self.ask(part))
            case All(parts=parts):
                return self._ask_all(parts)
            case AnyOf(parts=parts):
                return _opposite(self._ask_all(tuple(map(Not, parts))))
            case _:
                raise TypeError(f"{expression} is of no known kind")

    def _ask_all(self, parts: tuple[Expression, ...]) -> Verdict:
        true, false = self._all, 0
        for part in parts:
            verdict = self.ask(part)
            true &= verdict.true
            false |= verdict.false
            if false == self._all:
                break
        return Verdict(true, false)


class _Column:
    """The values of one property."""

    def __init__(self) -> None:
        self.present = 0
        self._numbers = NumberMasks()
        self._texts: dict[str, int] = {}
        self._others: dict[bytes, int] = {}
        """By the value as JSON."""
        self._asked: dict[Comparison, Verdict] = {}

    def add(self, bit: int, value: Any) -> None:
        """Notes the value that one more set has."""
        self.present |= bit
        self._asked.clear()
        if is_number(value):
            self._numbers.add(bit, value)
        elif isinstance(value, str):
            put_in(self._texts, value, bit)
        else:
            put_in(self._others, msgspec.json.encode(value), bit)

    def remove(self, bit: int, value: Any) -> None:
        """Forgets the value that a set has."""
        self.present &= ~bit
        self._asked.clear()
        if is_number(value):
            self._numbers.remove(bit, value)
        elif isinstance(value, str):
            take_out(self._texts, value, bit)
        else:
            take_out(self._others, msgspec.json.encode(value), bit)

    def ask(self, comparison: Comparison) -> Verdict:
        """Tells for which sets a comparison is true, and for which it is false."""
        verdict = self._asked.get(comparison)
        if verdict is None:
            if len(self._asked) >= MAX_REMEMBERED:
                self._asked.clear()
            verdict = self._asked[comparison] = self._find(comparison)
        return verdict

    def _find(self, comparison: Comparison) -> Verdict:
        if comparison.reading:
            return self._test(comparison, self._values())
        if comparison.operator == UNEQUAL:
            return _opposite(self._find(Comparison(comparison.name, EQUAL, comparison.value)))
        true = self._numbers_that(comparison) | self._texts_that(comparison)
        true |= self._test(comparison, ((msgspec.json.decode(key), mask) for key, mask in self._others.items())).true
        return Verdict(true, self.present & ~true)

    def _numbers_that(self, comparison: Comparison) -> int:
        number = comparison.operand.number
        if number is None:
            return 0
        if comparison.operator == EQUAL:
            return self._numbers.equal(number)
        return self._numbers.in_range(comparison.operator, number)

    def _texts_that(self, comparison: Comparison) -> int:
        if comparison.is_plain_text:
            return self._texts.get(comparison.value, 0)
        return self._test(comparison, self._texts.items()).true

    def _values(self) -> Iterator[tuple[Any, int]]:
        yield from self._numbers.items()
        yield from self._texts.items()
        for key, mask in self._others.items():
            yield msgspec.json.decode(key), mask

    @staticmethod
    def _test(comparison: Comparison, values: Iterable[tuple[Any, int]]) -> Verdict:
        true = false = 0
        for value, mask in values:
            outcome = comparison.test(value)
            if outcome is not None:
                true, false = (true | mask, false) if outcome else (true, false | mask)
        return Verdict(true, false)


def _opposite(verdict: Verdict) -> Verdict:
    return Verdict(verdict.false, verdict.true)
