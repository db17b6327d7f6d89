"""From a squashfs image to a tree; the contents of files are read when they are asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from golem_vpn.errors import InvalidInput
from golem_vpn.images.squashfs import layout
from golem_vpn.images.squashfs.blocks import Blocks, Cursor
from golem_vpn.images.tree import (
    MAX_DEPTH,
    MAX_NODES,
    MAX_TARGET_BYTES,
    Directory,
    File,
    Meta,
    Node,
    Symlink,
    Tree,
    check_name,
)

_MAX_FILE_BYTES = 1 << 40
_MAX_LISTING_BYTES = 1 << 28


@contextmanager
def opened(path: Path) -> Iterator[Tree]:
    """Reads the tree of an image, whose files can be read as long as the context lasts.

    Raises:
        InvalidInput: it is no squashfs image, a damaged one, or one with a compression that is not supported.
    """
    blocks = Blocks(path)
    try:
        yield _Reader(blocks).tree()
    finally:
        blocks.close()


@dataclass(frozen=True, slots=True)
class Stored:
    """Content of a file in an image: whole blocks, and often an end that lies in a fragment."""

    blocks: Blocks
    size: int
    start: int
    lengths: bytes
    """Of the blocks, as the image has them."""
    fragment: tuple[int, int] | None
    offset: int

    def chunks(self) -> Iterator[bytes]:
        """Reads it block by block; a hole is given as zeros."""
        position, left = self.start, self.size
        for (length,) in layout.BLOCK_LENGTH.iter_unpack(self.lengths):
            size = min(self.blocks.superblock.block_size, left)
            if length == 0:
                block = bytes(size)
            else:
                block = self.blocks.data(position, length, self.blocks.superblock.block_size)
                position += length & (layout.DATA_STORED - 1)
            if len(block) != size:
                raise InvalidInput("squashfs: a block of a file has a wrong size")
            left -= size
            yield block
        if self.fragment is not None and left:
            end = self.blocks.fragment(*self.fragment)[self.offset : self.offset + left]
            if len(end) != left:
                raise InvalidInput("squashfs: the end of a file is outside of its fragment")
            yield end


class _Reader:
    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        top = blocks.superblock
        if top.inode_count > MAX_NODES or top.fragment_count > MAX_NODES:
            raise InvalidInput(f"an image can have {MAX_NODES:,} files")
        self._ids = [number for (number,) in blocks.table(top.id_table, top.id_count, layout.ID)]
        fragments = blocks.table(top.fragment_table, top.fragment_count, layout.FRAGMENT) if top.fragment_count else []
        self._fragments = [(start, length) for start, length, _ in fragments]
        self._files: dict[int, File] = {}
        """By inode number, of those that have several names."""
        self._count = 0

    def tree(self) -> Tree:
        """Reads all directories and inodes."""
        root, listing = self._node(self._blocks.superblock.root)
        if not isinstance(root, Directory):
            raise InvalidInput("squashfs: the root is no directory")
        # An image whose directories lie in each other ends at the depth, or at the number of files, that may be.
        stack = [(root, listing, 1)]
        while stack:
            directory, listing, depth = stack.pop()
            if depth > MAX_DEPTH:
                raise InvalidInput(f"a path has more than {MAX_DEPTH} directories")
            for name, reference in self._entries(*listing):
                child, child_listing = self._node(reference)
                if child is None:
                    continue
                check_name(name)
                if name in directory.children:
                    raise InvalidInput("squashfs: a directory has the same name twice")
                directory.children[name] = child
                if isinstance(child, Directory):
                    stack.append((child, child_listing, depth + 1))
        return Tree(root)

    def _entries(self, block: int, offset: int, size: int) -> Iterator[tuple[bytes, int]]:
        """Gives names, and where their inodes are."""
        left = size - layout.LISTING_EXTRA
        if left <= 0:
            return
        if left > _MAX_LISTING_BYTES:
            raise InvalidInput("squashfs: a directory is larger than it may be")
        cursor = Cursor(self._blocks, self._blocks.superblock.directory_table, block, offset)
        while left > 0:
            count, inode_block, _number = cursor.unpack(layout.LISTING_HEADER)
            left -= layout.LISTING_HEADER.size
            if count >= layout.MAX_LISTING_RUN:
                raise InvalidInput("squashfs: a directory is damaged")
            for _ in range(count + 1):
                inode_offset, _difference, _kind, length = cursor.unpack(layout.LISTING_ENTRY)
                yield cursor.read(length + 1), inode_block << 16 | inode_offset
                left -= layout.LISTING_ENTRY.size + length + 1

    def _node(self, reference: int) -> tuple[Node | None, tuple[int, int, int]]:
        """Reads an inode, and where its listing is if it is a directory; gives None for what is left out."""
        self._count += 1
        if self._count > MAX_NODES:
            raise InvalidInput(f"an image can have {MAX_NODES:,} files")
        inodes = self._blocks.superblock.inode_table
        cursor = Cursor(self._blocks, inodes, reference >> 16, reference & 0xFFFF)
        kind, mode, user, group, time, number = cursor.unpack(layout.INODE)
        if max(user, group) >= len(self._ids):
            raise InvalidInput("squashfs: a file has an owner that is not in the table")
        meta = Meta(mode & 0o7777, self._ids[user], self._ids[group], time)
        match kind:
            case layout.DIRECTORY:
                block, _links, size, offset, _parent = cursor.unpack(layout.DIRECTORY_INODE)
                return Directory(meta), (block, offset, size)
            case layout.LARGE_DIRECTORY:
                _links, size, block, _parent, _index, offset, _xattrs = cursor.unpack(layout.LARGE_DIRECTORY_INODE)
                return Directory(meta), (block, offset, size)
            case layout.FILE:
                start, fragment, offset, size = cursor.unpack(layout.FILE_INODE)
                return self._file(cursor, meta, start, size, fragment, offset), _NO_LISTING
            case layout.LARGE_FILE:
                return self._large_file(cursor, meta, number), _NO_LISTING
            case layout.SYMLINK | layout.LARGE_SYMLINK:
                _links, length = cursor.unpack(layout.SYMLINK_INODE)
                if not 0 < length <= MAX_TARGET_BYTES:
                    raise InvalidInput("squashfs: a link has a target of a wrong length")
                return Symlink(meta, cursor.read(length)), _NO_LISTING
            case kind if kind in layout.SPECIAL:
                return None, _NO_LISTING
            case _:
                raise InvalidInput(f"squashfs: there is no kind {kind} of files")

    def _large_file(self, cursor: Cursor, meta: Meta, number: int) -> File:
        start, size, _sparse, links, fragment, offset, _xattrs = cursor.unpack(layout.LARGE_FILE_INODE)
        known = self._files.get(number)
        if known is None:
            known = self._file(cursor, meta, start, size, fragment, offset)
            if links > 1:
                self._files[number] = known
        return known

    def _file(self, cursor: Cursor, meta: Meta, start: int, size: int, fragment: int, offset: int) -> File:
        if size > _MAX_FILE_BYTES:
            raise InvalidInput("squashfs: a file is larger than it may be")
        block_size = self._blocks.superblock.block_size
        count = size // block_size
        shared: tuple[int, int] | None = None
        if fragment == layout.NO_FRAGMENT:
            count = -(-size // block_size)
        elif fragment >= len(self._fragments):
            raise InvalidInput("squashfs: a file ends in a fragment that is not in the table")
        else:
            shared = self._fragments[fragment]
        lengths = cursor.read(count * layout.BLOCK_LENGTH.size)
        return File(meta, Stored(self._blocks, size, start, lengths, shared, offset))


_NO_LISTING = (0, 0, 0)
