"""Many expressions, asked all at once which of them some properties fail."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from golem_vpn.market.comparison import ORDERINGS, Comparison
from golem_vpn.market.expression import All, Expression, Presence
from golem_vpn.market.masks import NumberMasks, is_number, put_in, take_out, union

Demand = Comparison | Presence

_FAILED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
"""Which bounds a number fails: a demand to be less is failed where the bound is at most the number."""


class Requirements:
    """Expressions taken apart into single demands, sorted by property.

    Almost all expressions in use are lists of comparisons that all must be true; what is of another form stays whole.
    """

    def __init__(self) -> None:
        self._on_property: defaultdict[str, _Demands] = defaultdict(_Demands)
        self._others: dict[Expression, int] = {}

    def add(self, bit: int, expression: Expression) -> None:
        """Takes in an expression under a bit that no other has."""
        for demand in _demands(expression):
            if isinstance(demand, Demand):
                self._on_property[demand.name].add(bit, demand)
            else:
                put_in(self._others, demand, bit)

    def remove(self, bit: int, expression: Expression) -> None:
        """Forgets an expression, given as it was taken in."""
        for demand in set(_demands(expression)):
            if isinstance(demand, Demand):
                self._on_property[demand.name].remove(bit, demand)
                if self._on_property[demand.name].is_empty:
                    del self._on_property[demand.name]
            else:
                take_out(self._others, demand, bit)

    def failed_by(self, properties: Mapping[str, Any]) -> int:
        """Tells which expressions are not true of properties."""
        failed = union(demands.failed_by(properties.get(name)) for name, demands in self._on_property.items())
        for expression, mask in self._others.items():
            if mask & ~failed and not expression.matches(properties):
                failed |= mask
        return failed


class _Demands:
    """What is demanded of one property; bounds and plain texts are not tested one by one where that can be helped."""

    def __init__(self) -> None:
        self._presence = 0
        self._bounds: dict[Comparison, int] = {}
        self._numbers = {operator: NumberMasks() for operator in ORDERINGS}
        """The bounds again, by what they are as numbers."""
        self._texts: dict[Comparison, int] = {}
        self._rest: dict[Comparison, int] = {}

    @property
    def is_empty(self) -> bool:
        """Tells whether nothing is demanded any more."""
        return not (self._presence or self._bounds or self._texts or self._rest)

    @property
    def whole(self) -> int:
        """Tells whose demands these are."""
        masks = (mask for group in (self._bounds, self._texts, self._rest) for mask in group.values())
        return self._presence | union(masks)

    def add(self, bit: int, demand: Demand) -> None:
        """Takes in a demand of an expression."""
        if isinstance(demand, Presence):
            self._presence |= bit
            return
        put_in(self._group(demand), demand, bit)
        if demand.bound is not None:
            self._numbers[demand.operator].add(bit, demand.bound)

    def remove(self, bit: int, demand: Demand) -> None:
        """Forgets a demand of an expression."""
        if isinstance(demand, Presence):
            self._presence &= ~bit
            return
        take_out(self._group(demand), demand, bit)
        if demand.bound is not None:
            self._numbers[demand.operator].remove(bit, demand.bound)

    def failed_by(self, value: Any) -> int:
        """Tells whose demands a value fails."""
        if value is None:
            return self.whole
        failed = _failed(self._rest, value)
        if is_number(value):
            failed |= union(self._numbers[operator].in_range(fails, value) for operator, fails in _FAILED.items())
        else:
            failed |= _failed(self._bounds, value)
        if isinstance(value, str):
            failed |= union(mask for demand, mask in self._texts.items() if demand.value != value)
        else:
            failed |= _failed(self._texts, value)
        return failed

    def _group(self, demand: Comparison) -> dict[Comparison, int]:
        if demand.bound is not None:
            return self._bounds
        return self._texts if demand.is_plain_text else self._rest


def _demands(expression: Expression) -> Iterator[Expression]:
    if isinstance(expression, All):
        for part in expression.parts:
            yield from _demands(part)
    else:
        yield expression


def _failed(comparisons: Mapping[Comparison, int], value: Any) -> int:
    return union(mask for comparison, mask in comparisons.items() if not comparison.test(value))
