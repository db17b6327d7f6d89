"""Files in chunks, of which several are on their way at once; they are written in order."""

from collections.abc import Awaitable, Callable

import anyio

from golem_vpn.errors import InvalidInput, TransferFailed
from golem_vpn.files.messages import CHUNK_BYTES
from golem_vpn.files.partial import Partial

IN_FLIGHT = 4

Progress = Callable[[int, int | None], None]
"""Hears how many bytes are there, and of how many, where that is known."""
Read = Callable[[int, int], Awaitable[bytes]]
"""Gives the bytes from an offset on, so many."""


def unheard(_done: int, _total: int | None) -> None:
    """Progress that nobody wants to hear of."""


def check_size(size: int, limit: int | None) -> None:
    """Makes sure that a file is not larger than it may be.

    Raises:
        InvalidInput: it is.
    """
    if limit is not None and size > limit:
        raise InvalidInput(f"the file has {size} bytes or more, {limit} are allowed")


async def fill(partial: Partial, size: int, read: Read, on_progress: Progress) -> None:
    """Adds to the beginning of a file all that it lacks.

    Raises:
        TransferFailed: its owner gave other bytes than it was asked for.
    """
    if partial.size > size:
        await partial.restart()
    on_progress(partial.size, size)
    offsets = iter(range(partial.size, size, CHUNK_BYTES))
    turn = anyio.Condition()

    async def work() -> None:
        for offset in offsets:
            length = min(CHUNK_BYTES, size - offset)
            content = await read(offset, length)
            if len(content) != length:
                raise TransferFailed(f"asked for {length} bytes at {offset}, got {len(content)}")
            async with turn:
                while partial.size != offset:
                    await turn.wait()
                await partial.append(content)
                on_progress(partial.size, size)
                turn.notify_all()

    try:
        async with anyio.create_task_group() as tasks:
            for _ in range(IN_FLIGHT):
                tasks.start_soon(work)
    except ExceptionGroup as errors:
        # All of them work at the same file: one reason is enough.
        raise errors.exceptions[0] from None
