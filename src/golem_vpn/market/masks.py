"""Sets of things as the bits of a number: what is done with one of them is done with thousands at once."""

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Iterator
from functools import reduce
from operator import or_
from typing import Any, TypeVar

K = TypeVar("K", bound=Hashable)
Number = int | float

MAX_BLOCK = 64


def union(masks: Iterable[int]) -> int:
    """Gives what is in any of the sets."""
    return reduce(or_, masks, 0)


def put_in(masks: dict[K, int], key: K, bit: int) -> None:
    """Adds a bit to the set under a key."""
    masks[key] = masks.get(key, 0) | bit


def take_out(masks: dict[K, int], key: K, bit: int) -> None:
    """Takes a bit from the set under a key, and the key away with the last one."""
    left = masks.get(key, 0) & ~bit
    if left:
        masks[key] = left
    else:
        masks.pop(key, None)


def is_number(value: Any) -> bool:
    """Tells whether a property's value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


class NumberMasks:
    """Sets under numbers, in order, in blocks that also know the union of their sets."""

    def __init__(self) -> None:
        self._blocks: list[_Block] = []

    def add(self, bit: int, number: Number) -> None:
        """Adds a bit to the set under a number."""
        if not self._blocks:
            self._blocks.append(_Block([number], [bit]))
        index = min(self._block_of(number), len(self._blocks) - 1)
        block = self._blocks[index]
        block.add(bit, number)
        if len(block.numbers) > MAX_BLOCK:
            self._blocks[index : index + 1] = block.halves()

    def remove(self, bit: int, number: Number) -> None:
        """Takes a bit from the set under a number; one that is not there stays away."""
        index = self._block_of(number)
        if index < len(self._blocks):
            self._blocks[index].remove(bit, number)
            if not self._blocks[index].numbers:
                del self._blocks[index]

    def items(self) -> Iterator[tuple[Number, int]]:
        """Lists the sets."""
        for block in self._blocks:
            yield from zip(block.numbers, block.masks, strict=True)

    def equal(self, number: Number) -> int:
        """Gives the set under a number."""
        index = self._block_of(number)
        return self._blocks[index].equal(number) if index < len(self._blocks) else 0

    def in_range(self, operator: str, bound: Number) -> int:
        """Gives the sets under all numbers that are, say, less than a bound."""
        if not self._blocks:
            return 0
        index = min(self._block_of(bound), len(self._blocks) - 1)
        block = self._blocks[index]
        # What is equal to the bound belongs to the numbers before the cut, or to those after it.
        cut = (bisect_right if operator in ("<=", ">") else bisect_left)(block.numbers, bound)
        if operator in ("<", "<="):
            return union(it.whole for it in self._blocks[:index]) | union(block.masks[:cut])
        return union(it.whole for it in self._blocks[index + 1 :]) | union(block.masks[cut:])

    def _block_of(self, number: Number) -> int:
        """Gives the place of the first block that goes up to a number; one after the last where there is none."""
        return bisect_left(self._blocks, number, key=_last_number)


class _Block:
    """A few sets under neighbouring numbers."""

    def __init__(self, numbers: list[Number], masks: list[int]) -> None:
        self.numbers = numbers
        self.masks = masks
        self.whole = union(masks)

    def add(self, bit: int, number: Number) -> None:
        place = bisect_left(self.numbers, number)
        if self._is_at(place, number):
            self.masks[place] |= bit
        else:
            self.numbers.insert(place, number)
            self.masks.insert(place, bit)
        self.whole |= bit

    def remove(self, bit: int, number: Number) -> None:
        place = bisect_left(self.numbers, number)
        if not self._is_at(place, number):
            return
        self.masks[place] &= ~bit
        if not self.masks[place]:
            del self.numbers[place], self.masks[place]
        self.whole = union(self.masks)

    def equal(self, number: Number) -> int:
        place = bisect_left(self.numbers, number)
        return self.masks[place] if self._is_at(place, number) else 0

    def _is_at(self, place: int, number: Number) -> bool:
        return place < len(self.numbers) and self.numbers[place] == number

    def halves(self) -> "list[_Block]":
        middle = len(self.numbers) // 2
        return [
            _Block(self.numbers[:middle], self.masks[:middle]),
            _Block(self.numbers[middle:], self.masks[middle:]),
        ]


def _last_number(block: _Block) -> Number:
    return block.numbers[-1]
