"""Looks for what is left to do, in the database, without asking it again and again for nothing."""

from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar

from golem_vpn.store.database import Database

T = TypeVar("T")


class Lookout:
    """Remembers what was looked for in vain, until something is written, whatever that is.

    For questions that are asked every few seconds and seldom have an answer: a query takes a millisecond or more.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._in_vain: dict[Hashable, int] = {}
        """How much had been written when it was looked for."""

    async def find(self, what: Hashable, look: Callable[[], Awaitable[list[T]]]) -> list[T]:
        """Gives what is found.

        Args:
            what: Names it; one of few.
            look: Asks the database, and nothing but it.
        """
        written = self._database.written
        if self._in_vain.get(what) == written:
            return []
        if found := await look():
            self._in_vain.pop(what, None)
        else:
            self._in_vain[what] = written
        return found
