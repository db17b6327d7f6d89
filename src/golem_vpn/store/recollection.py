"""What was read lately, so that it need not be read from the database again.

Whoever writes says so after the commit. What was being read meanwhile is not kept: it may be from before.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MAX_KEPT = 4096


class Recollection(Generic[K, V]):
    """Keeps what was used last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._writes = 0

    @property
    def writes(self) -> int:
        """How often was written; to be noted before reading."""
        return self._writes

    def find(self, key: K) -> V | None:
        """Gives what is kept under a key."""
        value = self._kept.get(key)
        if value is not None:
            self._kept.move_to_end(key)
        return value

    def keep(self, key: K, value: V, writes: int) -> None:
        """Keeps what was read, if nothing was written since the reading began."""
        if writes != self._writes:
            return
        self._kept[key] = value
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    def forget(self, key: K) -> None:
        """Notes that what is under a key was written anew."""
        self._writes += 1
        self._kept.pop(key, None)

    def forget_all(self) -> None:
        """Notes that anything may have been written anew."""
        self._writes += 1
        self._kept.clear()
