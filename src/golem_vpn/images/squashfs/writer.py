"""From a tree to a squashfs image.

The same tree gives the same bytes, whatever machine and time it is. Blocks are compressed by several threads, and
written in the order of the names.
"""

import os
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from golem_vpn.errors import InvalidInput
from golem_vpn.images.squashfs import layout
from golem_vpn.images.squashfs.compression import Compression
from golem_vpn.images.squashfs.tables import Listing, Metadata, table
from golem_vpn.images.tree import Content, Directory, File, Node, Symlink, Tree

BLOCK_LOG = 17
BLOCK_SIZE = 1 << BLOCK_LOG
_LEVEL = 6
_PADDING = 4096


def write(tree: Tree, path: Path) -> None:
    """Makes an image, compressed with gzip, which every kernel can read.

    Raises:
        InvalidInput: a file changed while it was read.
    """
    with path.open("xb") as file, ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        file.write(bytes(layout.SUPERBLOCK.size))
        _Writer(tree, file, threads).run()


@dataclass
class _Placed:
    """Where the content of a file lies."""

    start: int
    size: int
    lengths: list[int] = field(default_factory=list)
    fragment: int = layout.NO_FRAGMENT
    offset: int = 0


class _Writer:
    def __init__(self, tree: Tree, file: BinaryIO, threads: ThreadPoolExecutor) -> None:
        self._tree = tree
        self._file = file
        self._threads = threads
        self._placed: dict[int, _Placed] = {}
        """By the identity of the file, so that hard links share one."""
        self._links: dict[int, int] = {}
        self._numbers: dict[int, int] = {}
        self._ids: dict[int, int] = {}
        self._fragment = bytearray()
        self._fragments: list[bytes] = []
        self._inodes = Metadata()
        self._listings = Metadata()
        self._references: dict[int, int] = {}

    def run(self) -> None:
        """Writes everything, the superblock last."""
        nodes = list(self._tree.walk())
        for _, node in nodes:
            self._links[id(node)] = self._links.get(id(node), 0) + 1
            self._numbers.setdefault(id(node), len(self._numbers) + 1)
        for _, node in nodes:
            if isinstance(node, File) and id(node) not in self._placed:
                self._placed[id(node)] = self._place(node.content)
        self._end_fragment()
        self._write_nodes([node for _, node in nodes])
        self._write_tables()

    def _place(self, content: Content) -> _Placed:
        placed = _Placed(self._file.tell(), 0)
        compressed: deque[Future[tuple[int, bytes]]] = deque()
        for block in _blocks(content):
            placed.size += len(block)
            if len(block) < BLOCK_SIZE:
                placed.fragment, placed.offset = self._add_to_fragment(block, compressed, placed)
                break
            compressed.append(self._threads.submit(_compress, block))
            if len(compressed) > 8:
                self._write_block(compressed.popleft(), placed)
        while compressed:
            self._write_block(compressed.popleft(), placed)
        if placed.size != content.size:
            raise InvalidInput("a file changed while it was read")
        return placed

    def _write_block(self, block: "Future[tuple[int, bytes]]", placed: _Placed) -> None:
        length, data = block.result()
        self._file.write(data)
        placed.lengths.append(length)

    def _add_to_fragment(
        self, end: bytes, before: "deque[Future[tuple[int, bytes]]]", placed: _Placed
    ) -> tuple[int, int]:
        while before:
            self._write_block(before.popleft(), placed)
        if len(self._fragment) + len(end) > BLOCK_SIZE:
            self._end_fragment()
        offset = len(self._fragment)
        self._fragment += end
        return len(self._fragments), offset

    def _end_fragment(self) -> None:
        if self._fragment:
            start = self._file.tell()
            length, data = _compress(bytes(self._fragment))
            self._file.write(data)
            self._fragments.append(layout.FRAGMENT.pack(start, length, 0))
            self._fragment.clear()

    def _write_nodes(self, nodes: list[Node]) -> None:
        """Writes what is in a directory before the directory, which points to it."""
        parents = {
            id(child): self._numbers[id(node)]
            for node in nodes
            if isinstance(node, Directory)
            for child in node.children.values()
        }
        for node in reversed(nodes):
            if id(node) in self._references:
                continue
            parent = parents.get(id(node), len(self._numbers) + 1)
            self._references[id(node)] = self._inodes.add(self._inode(node, parent))

    def _inode(self, node: Node, parent: int) -> bytes:
        match node:
            case File():
                return self._file_inode(node)
            case Directory():
                return self._directory_inode(node, parent)
            case Symlink(_, target):
                links = layout.SYMLINK_INODE.pack(self._links[id(node)], len(target))
                return self._header(node, layout.SYMLINK) + links + target

    def _header(self, node: Node, kind: int) -> bytes:
        meta = node.meta
        user, group = (self._ids.setdefault(number, len(self._ids)) for number in (meta.uid, meta.gid))
        time = min(max(meta.mtime, 0), 0xFFFF_FFFF)
        return layout.INODE.pack(kind, meta.mode & 0o7777, user, group, time, self._numbers[id(node)])

    def _file_inode(self, node: File) -> bytes:
        placed, links = self._placed[id(node)], self._links[id(node)]
        lengths = b"".join(map(layout.BLOCK_LENGTH.pack, placed.lengths))
        if links == 1 and max(placed.start, placed.size) < 1 << 32:
            body = layout.FILE_INODE.pack(placed.start, placed.fragment, placed.offset, placed.size)
            return self._header(node, layout.FILE) + body + lengths
        body = layout.LARGE_FILE_INODE.pack(
            placed.start, placed.size, 0, links, placed.fragment, placed.offset, layout.NO_XATTRS
        )
        return self._header(node, layout.LARGE_FILE) + body + lengths

    def _directory_inode(self, node: Directory, parent: int) -> bytes:
        listing = Listing()
        for name in sorted(node.children):
            child = node.children[name]
            listing.add(name, self._references[id(child)], self._numbers[id(child)], _kind(child))
        data = listing.encode()
        links = 2 + sum(isinstance(child, Directory) for child in node.children.values())
        reference = self._listings.add(data)
        block, offset, size = reference >> 16, reference & 0xFFFF, len(data) + layout.LISTING_EXTRA
        if size < 1 << 16:
            body = layout.DIRECTORY_INODE.pack(block, links, size, offset, parent)
            return self._header(node, layout.DIRECTORY) + body
        body = layout.LARGE_DIRECTORY_INODE.pack(links, size, block, parent, 0, offset, layout.NO_XATTRS)
        return self._header(node, layout.LARGE_DIRECTORY) + body

    def _write_tables(self) -> None:
        root = self._references[id(self._tree.root)]
        inode_table = self._file.tell()
        self._file.write(self._inodes.finish())
        listing_table = self._file.tell()
        self._file.write(self._listings.finish())
        fragment_table = layout.NO_TABLE
        if self._fragments:
            fragment_table = table(self._file, b"".join(self._fragments))
        id_table = table(self._file, b"".join(map(layout.ID.pack, self._ids)))
        used = self._file.tell()
        self._file.write(bytes(-used % _PADDING))
        superblock = layout.SUPERBLOCK.pack(
            layout.MAGIC, len(self._numbers), 0, BLOCK_SIZE, len(self._fragments), Compression.GZIP, BLOCK_LOG,
            layout.FLAG_NO_XATTRS, len(self._ids), 4, 0, root, used, id_table, layout.NO_TABLE, inode_table,
            listing_table, fragment_table, layout.NO_TABLE,
        )  # fmt: skip
        self._file.seek(0)
        self._file.write(superblock)


def _blocks(content: Content) -> Iterator[bytes]:
    """Gives the content in blocks, all but the last of full size."""
    waiting = bytearray()
    for chunk in content.chunks():
        waiting += chunk
        while len(waiting) >= BLOCK_SIZE:
            yield bytes(waiting[:BLOCK_SIZE])
            del waiting[:BLOCK_SIZE]
    if waiting:
        yield bytes(waiting)


def _compress(block: bytes) -> tuple[int, bytes]:
    """Gives a block as it is stored, and its length with the bit that says how."""
    compressed = zlib.compress(block, _LEVEL)
    if len(compressed) < len(block):
        return len(compressed), compressed
    return len(block) | layout.DATA_STORED, block


def _kind(node: Node) -> int:
    match node:
        case File():
            return layout.FILE
        case Symlink():
            return layout.SYMLINK
        case Directory():
            return layout.DIRECTORY
