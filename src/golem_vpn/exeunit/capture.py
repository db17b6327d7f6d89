"""What is kept of a command's output, in bounded memory.

A requestor says per output: nothing, all, the first bytes, the last bytes, both ends, or a stream with a limit.
Whatever it says, no more than `OUTPUT_LIMIT` bytes of one output are kept: results travel in control messages.
"""

from typing import Literal

import msgspec

OUTPUT_LIMIT = 256 * 1024

Format = Literal["str", "string", "bin", "binary"]


class AtEnd(msgspec.Struct, frozen=True):
    """Output that is handed over when the command has ended, whole or in part."""

    head: int | None = None
    tail: int | None = None
    head_tail: int | None = msgspec.field(default=None, name="headTail")
    format: Format | None = None

    def __post_init__(self) -> None:
        sizes = [size for size in (self.head, self.tail, self.head_tail) if size is not None]
        if len(sizes) > 1:
            raise ValueError("only one of head, tail and headTail can be captured")
        if any(size < 0 for size in sizes):
            raise ValueError("the size of a captured part cannot be negative")


class Stream(msgspec.Struct, frozen=True):
    """Output that may be handed over while the command runs."""

    limit: int | None = None
    format: Format | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 0:
            raise ValueError("the limit of a captured stream cannot be negative")


class CaptureMode(msgspec.Struct, frozen=True):
    """How one output of a command is kept."""

    at_end: AtEnd | None = msgspec.field(default=None, name="atEnd")
    stream: Stream | None = None

    def __post_init__(self) -> None:
        if (self.at_end is None) == (self.stream is None):
            raise ValueError("expected either atEnd or stream")

    @property
    def binary(self) -> bool:
        """Says whether the output is meant as bytes, not as text."""
        mode = self.at_end or self.stream
        return mode is not None and mode.format in ("bin", "binary")


class Capture(msgspec.Struct, frozen=True):
    """Which outputs of a command are kept; what is not named is discarded."""

    stdout: CaptureMode | None = None
    stderr: CaptureMode | None = None


WHOLE = CaptureMode(at_end=AtEnd())


class OutputBuffer:
    """Keeps as much of the beginning and of the end of an output as its mode asks for."""

    def __init__(self, mode: CaptureMode) -> None:
        self.binary = mode.binary
        wanted_head, wanted_tail = _sizes(mode)
        self._head_size = min(wanted_head, OUTPUT_LIMIT)
        self._tail_size = min(wanted_tail, OUTPUT_LIMIT)
        self._limited = wanted_head > OUTPUT_LIMIT or wanted_tail > OUTPUT_LIMIT
        self._head = bytearray()
        self._tail = bytearray()
        self._written = 0

    def write(self, data: bytes) -> None:
        """Takes the next bytes of the output."""
        self._written += len(data)
        room = self._head_size - len(self._head)
        self._head += data[:room]
        if self._tail_size:
            self._tail += data[room:]
            if len(self._tail) > 2 * self._tail_size:
                del self._tail[: -self._tail_size]

    @property
    def value(self) -> bytes:
        """Gives the bytes kept so far."""
        return bytes(self._head + self._tail[-self._tail_size :]) if self._tail_size else bytes(self._head)

    @property
    def cut(self) -> bool:
        """Says whether bytes were lost that the requestor had asked for."""
        return self._limited and self._written > self._head_size + self._tail_size


def _sizes(mode: CaptureMode) -> tuple[int, int]:
    """Gives how many bytes of the beginning and of the end are asked for."""
    everything = OUTPUT_LIMIT + 1
    if mode.stream is not None:
        return (everything if mode.stream.limit is None else mode.stream.limit), 0
    part = mode.at_end or AtEnd()
    if part.head is not None:
        return part.head, 0
    if part.tail is not None:
        return 0, part.tail
    if part.head_tail is not None:
        return part.head_tail // 2, part.head_tail - part.head_tail // 2
    return everything, 0
