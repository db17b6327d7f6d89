"""The compressions of squashfs; each block is compressed by itself, and has a known largest size.

Those that the standard library lacks are undone natively; none of them holds the interpreter's lock meanwhile.
"""

import lzma
import zlib
from collections.abc import Callable
from enum import IntEnum
from functools import partial

from golem_vpn import _native
from golem_vpn.errors import InvalidInput

Decompress = Callable[[bytes, int], bytes]
"""Gives the bytes of a block, at most as many as the number says; raises InvalidInput."""

_XZ_MEMORY = 256 * 1024 * 1024


class Compression(IntEnum):
    """As the superblock numbers them."""

    GZIP = 1
    LZMA = 2
    LZO = 3
    XZ = 4
    LZ4 = 5
    ZSTD = 6


def decompressor(number: int) -> Decompress:
    """Finds what undoes a compression.

    Raises:
        InvalidInput: it is unknown.
    """
    try:
        return _DECOMPRESSORS[Compression(number)]
    except (ValueError, KeyError):
        raise InvalidInput(f"squashfs: compression {number} is not supported") from None


def _gunzip(data: bytes, limit: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        block = stream.decompress(data, limit + 1)
    except zlib.error as error:
        raise InvalidInput(f"squashfs: a block is damaged: {error}") from error
    return _whole(block, stream.eof)


def _unxz(data: bytes, limit: int) -> bytes:
    stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
    try:
        block = stream.decompress(data, limit + 1)
    except lzma.LZMAError as error:
        raise InvalidInput(f"squashfs: a block is damaged: {error}") from error
    return _whole(block, stream.eof)


def _undo_natively(compression: str, data: bytes, limit: int) -> bytes:
    try:
        return _native.decompress(compression, data, limit)
    except ValueError as error:
        raise InvalidInput(f"squashfs: a block is damaged: {error}") from error


def _whole(block: bytes, ended: bool) -> bytes:
    if not ended:
        raise InvalidInput("squashfs: a block is cut off, or larger than it may be")
    return block


_DECOMPRESSORS: dict[Compression, Decompress] = {
    Compression.GZIP: _gunzip,
    Compression.XZ: _unxz,
    Compression.LZO: partial(_undo_natively, "lzo"),
    Compression.LZ4: partial(_undo_natively, "lz4"),
    Compression.ZSTD: partial(_undo_natively, "zstd"),
}
