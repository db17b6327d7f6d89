"""Long polls: waiting for something to be there."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

T = TypeVar("T")


async def until(look: Callable[[], Awaitable[T]], listen: Callable[[], anyio.Event], timeout: float) -> T | None:
    """Looks until it sees something, again whenever the bell rings; gives nothing when the time is over."""
    deadline = anyio.current_time() + timeout
    while True:
        # What rings while looking is not missed.
        bell = listen()
        if found := await look():
            return found
        with anyio.CancelScope(deadline=deadline) as scope:
            await bell.wait()
        if scope.cancelled_caught or anyio.current_time() >= deadline:
            return None
