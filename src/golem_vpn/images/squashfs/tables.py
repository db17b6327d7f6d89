"""The parts of an image that are metadata, on their way to the disk."""

import zlib
from typing import BinaryIO

from golem_vpn.images.squashfs import layout

_FIRST_LISTING_RUN = -1
_INODE_DISTANCE = 1 << 15


class Metadata:
    """A stream of inodes or of listings in compressed blocks."""

    def __init__(self) -> None:
        self._written = bytearray()
        self._block = bytearray()

    def add(self, data: bytes) -> int:
        """Adds bytes, and gives where they begin: the block's place in the upper bits, the offset in the lower 16."""
        reference = len(self._written) << 16 | len(self._block)
        self._block += data
        while len(self._block) >= layout.METADATA_SIZE:
            self._written += _metadata_block(bytes(self._block[: layout.METADATA_SIZE]))
            del self._block[: layout.METADATA_SIZE]
        return reference

    def finish(self) -> bytes:
        """Gives the whole stream."""
        if self._block:
            self._written += _metadata_block(bytes(self._block))
            self._block.clear()
        return bytes(self._written)


class Listing:
    """The names of one directory, in runs of those whose inodes lie in one block and have near numbers."""

    def __init__(self) -> None:
        self._runs: list[tuple[int, int, list[bytes]]] = []

    def add(self, name: bytes, reference: int, number: int, kind: int) -> None:
        """Adds a name; they have to come in order."""
        block, offset = reference >> 16, reference & 0xFFFF
        run_block, first, entries = self._runs[-1] if self._runs else (_FIRST_LISTING_RUN, 0, [])
        near = -_INODE_DISTANCE <= number - first < _INODE_DISTANCE
        if run_block != block or not near or len(entries) == layout.MAX_LISTING_RUN:
            first, entries = number, []
            self._runs.append((block, first, entries))
        entries.append(layout.LISTING_ENTRY.pack(offset, number - first, kind, len(name) - 1) + name)

    def encode(self) -> bytes:
        """Gives the listing."""
        return b"".join(
            layout.LISTING_HEADER.pack(len(entries) - 1, block, first) + b"".join(entries)
            for block, first, entries in self._runs
        )


def table(file: BinaryIO, data: bytes) -> int:
    """Writes a table in blocks, then where they are, and gives the position of the latter."""
    positions = []
    for start in range(0, len(data), layout.METADATA_SIZE):
        positions.append(file.tell())
        file.write(_metadata_block(data[start : start + layout.METADATA_SIZE]))
    position = file.tell()
    file.write(b"".join(map(layout.TABLE_POINTER.pack, positions)))
    return position


def _metadata_block(data: bytes) -> bytes:
    compressed = zlib.compress(data)
    if len(compressed) < len(data):
        return layout.METADATA_HEADER.pack(len(compressed)) + compressed
    return layout.METADATA_HEADER.pack(len(data) | layout.METADATA_STORED) + data
