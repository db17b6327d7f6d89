"""Waiting between attempts: longer each time, and never in step with others."""

import secrets

import anyio

_random = secrets.SystemRandom()


class Backoff:
    """Doubles the pause after each failure, up to a limit."""

    def __init__(self, shortest: float = 0.2, longest: float = 15.0) -> None:
        self._shortest = shortest
        self._longest = longest
        self._next = shortest

    def reset(self) -> None:
        """Begins anew with the shortest pause."""
        self._next = self._shortest

    async def pause(self, waker: anyio.Event | None = None) -> None:
        """Waits for the next pause, or until woken."""
        seconds = self._next * _random.uniform(0.75, 1.25)
        self._next = min(self._next * 2, self._longest)
        with anyio.move_on_after(seconds):
            await (waker or anyio.Event()).wait()
