"""Reading the blocks of a squashfs image: those of metadata, which is one stream over many, and those of files."""

import os
from collections import OrderedDict
from pathlib import Path
from struct import Struct
from typing import Any, Self

import msgspec

from golem_vpn.errors import InvalidInput
from golem_vpn.images.squashfs import layout
from golem_vpn.images.squashfs.compression import Decompress, decompressor

MAX_METADATA_BYTES = 1 << 28
"""How much of inodes and directories is taken into memory, which a few bytes on the disk can stand for."""
_CACHED_METADATA = 1024
_CACHED_FRAGMENTS = 16


class Superblock(msgspec.Struct, frozen=True):
    """The first bytes of an image."""

    block_size: int
    inode_count: int
    fragment_count: int
    id_count: int
    compression: int
    root: int
    """The block of the root directory's inode in the upper bits, the offset in it in the lower 16."""
    bytes_used: int
    id_table: int
    inode_table: int
    directory_table: int
    fragment_table: int

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Reads it.

        Raises:
            InvalidInput: this is no squashfs image, or one of another version.
        """
        if len(data) < layout.SUPERBLOCK.size or not data.startswith(layout.MAGIC):
            raise InvalidInput("squashfs: this is no squashfs image")
        (
            _magic, inodes, _time, block_size, fragments, compression, block_log, _flags, ids, major, minor,
            root, used, id_table, _xattrs, inode_table, directory_table, fragment_table, _export,
        ) = layout.SUPERBLOCK.unpack_from(data)  # fmt: skip
        if (major, minor) != (4, 0):
            raise InvalidInput(f"squashfs: version {major}.{minor} is not supported, 4.0 is")
        if not layout.MIN_BLOCK_LOG <= block_log <= layout.MAX_BLOCK_LOG or block_size != 1 << block_log:
            raise InvalidInput(f"squashfs: {block_size} is not a size of blocks")
        return cls(
            block_size, inodes, fragments, ids, compression, root, used,
            id_table, inode_table, directory_table, fragment_table,
        )  # fmt: skip


class Blocks:
    """Reads and decompresses blocks of one image, and keeps those that are asked for again and again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.superblock = Superblock.decode(self._read(0, layout.SUPERBLOCK.size))
            self._decompress: Decompress = decompressor(self.superblock.compression)
        except BaseException:
            os.close(self._descriptor)
            raise
        self._left = MAX_METADATA_BYTES
        self._metadata: OrderedDict[int, tuple[bytes, int]] = OrderedDict()
        self._fragments: OrderedDict[int, bytes] = OrderedDict()

    def close(self) -> None:
        """Closes the image."""
        os.close(self._descriptor)

    def metadata(self, position: int) -> tuple[bytes, int]:
        """Gives the metadata block at a position, and the position of the next one."""
        known = self._metadata.get(position)
        if known is not None:
            return known
        (header,) = layout.METADATA_HEADER.unpack(self._read(position, layout.METADATA_HEADER.size))
        length = header & (layout.METADATA_STORED - 1)
        data = self._read(position + layout.METADATA_HEADER.size, length)
        if not header & layout.METADATA_STORED:
            data = self._decompress(data, layout.METADATA_SIZE)
        if not 0 < len(data) <= layout.METADATA_SIZE:
            raise InvalidInput("squashfs: a metadata block has a wrong size")
        found = data, position + layout.METADATA_HEADER.size + length
        _keep(self._metadata, position, found, _CACHED_METADATA)
        return found

    def count(self, length: int) -> None:
        """Counts metadata that is kept.

        Raises:
            InvalidInput: it is more than an image can have.
        """
        self._left -= length
        if self._left < 0:
            raise InvalidInput(f"an image can have {MAX_METADATA_BYTES >> 20} MiB of metadata")

    def data(self, position: int, length: int, size: int) -> bytes:
        """Gives a block of a file, which has `size` bytes, or fewer where it is the last one.

        Args:
            position: Where the block is.
            length: As the inode has it: with the bit that says whether the block is compressed.
            size: The most that the block can have.
        """
        stored = length & (layout.DATA_STORED - 1)
        if stored > size:
            raise InvalidInput("squashfs: a block is larger than it may be")
        data = self._read(position, stored)
        return data if length & layout.DATA_STORED else self._decompress(data, size)

    def fragment(self, position: int, length: int) -> bytes:
        """Gives a block that the ends of several files share."""
        known = self._fragments.get(position)
        if known is None:
            known = self.data(position, length, self.superblock.block_size)
            _keep(self._fragments, position, known, _CACHED_FRAGMENTS)
        return known

    def table(self, position: int, count: int, entry: Struct) -> list[tuple[Any, ...]]:
        """Reads a table: its blocks are pointed to one by one."""
        in_block = layout.METADATA_SIZE // entry.size
        blocks = -(-count // in_block)
        pointers = self._read(position, blocks * layout.TABLE_POINTER.size)
        entries: list[tuple[Any, ...]] = []
        for index, (pointer,) in enumerate(layout.TABLE_POINTER.iter_unpack(pointers)):
            data, _ = self.metadata(pointer)
            expected = min(in_block, count - index * in_block) * entry.size
            if len(data) < expected:
                raise InvalidInput("squashfs: a table is too short")
            entries.extend(entry.iter_unpack(data[:expected]))
        return entries

    def _read(self, position: int, length: int) -> bytes:
        try:
            data = os.pread(self._descriptor, length, position)
        except (OSError, OverflowError) as error:
            raise InvalidInput(f"squashfs: nothing can be read at {position}: {error}") from error
        if len(data) != length:
            raise InvalidInput("squashfs: the image is cut off")
        return data


class Cursor:
    """Reads on from a place in the metadata, from block to block."""

    def __init__(self, blocks: Blocks, table: int, block: int, offset: int) -> None:
        self._blocks = blocks
        self._data, self._next = blocks.metadata(table + block)
        self._offset = offset
        if offset > len(self._data):
            raise InvalidInput("squashfs: an offset is outside of its block")

    def read(self, length: int) -> bytes:
        """Gives the next bytes."""
        self._blocks.count(length)
        parts = []
        while length:
            if self._offset == len(self._data):
                self._data, self._next = self._blocks.metadata(self._next)
                self._offset = 0
            part = self._data[self._offset : self._offset + length]
            self._offset += len(part)
            length -= len(part)
            parts.append(part)
        return b"".join(parts)

    def unpack(self, form: Struct) -> tuple[Any, ...]:
        """Reads one structure."""
        return form.unpack(self.read(form.size))


def _keep(cache: "OrderedDict[int, Any]", key: int, value: object, maximum: int) -> None:
    cache[key] = value
    if len(cache) > maximum:
        cache.popitem(last=False)
