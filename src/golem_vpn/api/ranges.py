"""Parts of files: what a `Range` header asks for, and reading just that."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import msgspec

CHUNK = 1 << 18
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class ByteRange(msgspec.Struct, frozen=True):
    """A part of a file, all of it where nobody asked for less."""

    first: int
    length: int
    size: int
    """How much the file has."""

    @property
    def is_partial(self) -> bool:
        """Says whether a part was asked for, which can be satisfied."""
        return self.first >= 0 and self.length < self.size

    @property
    def content_range(self) -> str:
        """Gives the header of that name."""
        return f"bytes {self.first}-{self.first + self.length - 1}/{self.size}"


class Unsatisfiable(Exception):
    """The part begins behind the end of the file."""


def parse_range(header: str | None, size: int) -> ByteRange:
    """Reads a header; one that is malformed, or asks for several parts, asks for all.

    Raises:
        Unsatisfiable: there is no such part.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or not any(match.groups()):
        return ByteRange(0, size, size)
    if not match[1]:
        length = min(int(match[2]), size)
        first = size - length
    else:
        first = int(match[1])
        last = min(int(match[2]), size - 1) if match[2] else size - 1
        if match[2] and int(match[2]) < first:
            return ByteRange(0, size, size)
        length = last - first + 1
    if length <= 0:
        raise Unsatisfiable
    return ByteRange(first, length, size)


async def read_range(path: Path, part: ByteRange) -> AsyncIterator[bytes]:
    """Reads a part of a file piece by piece."""
    left = part.length
    async with await anyio.open_file(path, "rb") as file:
        await file.seek(part.first)
        while left and (chunk := await file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
