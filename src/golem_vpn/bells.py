"""Waking those who wait for news.

Whoever waits listens first, then looks, then waits: what rings between looking and waiting is not missed.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

import anyio

K = TypeVar("K", bound=Hashable)


class Bells(Generic[K]):
    """A bell for each subject; one that nobody listens to takes no memory."""

    def __init__(self) -> None:
        self._bells: WeakValueDictionary[K, anyio.Event] = WeakValueDictionary()

    def listen(self, key: K) -> anyio.Event:
        """Gives the event that the next ring sets."""
        return self._bells.setdefault(key, anyio.Event())

    def ring_all(self) -> None:
        """Wakes everyone."""
        for key in list(self._bells):
            self.ring(key)

    def ring(self, key: K) -> None:
        """Wakes all who listen."""
        if (bell := self._bells.pop(key, None)) is not None:
            bell.set()
