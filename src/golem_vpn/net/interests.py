"""Which members of a hub asked after which nodes.

Each node asked after has a number, and each member one integer with a bit for it: a thousand members that all ask
after each other take 125 KB.
"""

from collections.abc import Iterable
from functools import reduce
from operator import or_

MAX_NODES = 20_000
MAX_PER_MEMBER = 10_000


class Interests:
    """Remembers questions, so that changes can be told."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._free = list(range(MAX_NODES))
        self._asked: dict[str, int] = {}
        self._someone_left = False

    def note(self, member: str, node_ids: Iterable[str]) -> None:
        """Notes that a member asked after nodes; what is more than can be remembered is not."""
        asked = self._asked.get(member, 0)
        for node_id in node_ids:
            number = self._number(node_id)
            if number is not None and asked.bit_count() < MAX_PER_MEMBER:
                asked |= 1 << number
                self._asked[member] = asked

    def forget(self, member: str) -> None:
        """Drops the questions of a member."""
        if self._asked.pop(member, None) is not None:
            self._someone_left = True

    def askers(self, node_ids: Iterable[str]) -> list[str]:
        """Lists who asked after any of some nodes."""
        wanted = sum({1 << self._numbers[node_id] for node_id in node_ids if node_id in self._numbers})
        return [member for member, asked in self._asked.items() if asked & wanted]

    def _number(self, node_id: str) -> int | None:
        if (number := self._numbers.get(node_id)) is not None:
            return number
        if not self._free and self._someone_left:
            self._recycle()
        if not self._free:
            return None
        self._numbers[node_id] = self._free.pop()
        return self._numbers[node_id]

    def _recycle(self) -> None:
        """Frees the numbers of nodes that nobody asks after any more."""
        self._someone_left = False
        used = reduce(or_, self._asked.values(), 0)
        for node_id, number in tuple(self._numbers.items()):
            if not used >> number & 1:
                del self._numbers[node_id]
                self._free.append(number)
