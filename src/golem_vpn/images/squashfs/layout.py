"""How squashfs 4.0 lies on the disk: all numbers are little-endian, and offsets count from the start of the image."""

from struct import Struct
from typing import Final

MAGIC: Final = b"hsqs"
METADATA_SIZE: Final = 8192
"""How much of inodes, directories and tables is compressed together."""
METADATA_STORED: Final = 1 << 15
"""In the length before a metadata block: it is stored as it is."""
DATA_STORED: Final = 1 << 24
"""In the length of a data block: it is stored as it is."""
NO_FRAGMENT: Final = 0xFFFF_FFFF
NO_TABLE: Final = 0xFFFF_FFFF_FFFF_FFFF
NO_XATTRS: Final = 0xFFFF_FFFF
MIN_BLOCK_LOG: Final = 12
MAX_BLOCK_LOG: Final = 20

FLAG_NO_XATTRS: Final = 0x200
FLAG_COMPRESSOR_OPTIONS: Final = 0x400

SUPERBLOCK: Final = Struct("<4sIIIIHHHHHHQQQQQQQQ")
METADATA_HEADER: Final = Struct("<H")
TABLE_POINTER: Final = Struct("<Q")

INODE: Final = Struct("<HHHHII")
"""Type, permissions, index of the user, index of the group, time, number."""
DIRECTORY_INODE: Final = Struct("<IIHHI")
"""Metadata block of the listing, links, length of the listing, offset in the block, number of the parent."""
LARGE_DIRECTORY_INODE: Final = Struct("<IIIIHHI")
"""Links, length of the listing, metadata block, number of the parent, index entries, offset, extended attributes."""
FILE_INODE: Final = Struct("<IIII")
"""Start of the blocks, fragment, offset in the fragment, size."""
LARGE_FILE_INODE: Final = Struct("<QQQIIII")
"""Start of the blocks, size, bytes saved by holes, links, fragment, offset in it, extended attributes."""
SYMLINK_INODE: Final = Struct("<II")
"""Links, length of the target."""
BLOCK_LENGTH: Final = Struct("<I")

LISTING_HEADER: Final = Struct("<III")
"""Entries less one, metadata block of their inodes, the inode number that theirs count from."""
LISTING_ENTRY: Final = Struct("<HhHH")
"""Offset of the inode in its block, difference of its number, type, length of the name less one."""
LISTING_EXTRA: Final = 3
"""What the length of a listing counts for `.` and `..`, which are not there."""
MAX_LISTING_RUN: Final = 256

FRAGMENT: Final = Struct("<QII")
"""Start, length, unused."""
FRAGMENTS_IN_BLOCK: Final = METADATA_SIZE // FRAGMENT.size
ID: Final = Struct("<I")
IDS_IN_BLOCK: Final = METADATA_SIZE // ID.size

DIRECTORY: Final = 1
FILE: Final = 2
SYMLINK: Final = 3
LARGE_DIRECTORY: Final = 8
LARGE_FILE: Final = 9
LARGE_SYMLINK: Final = 10
SPECIAL: Final = frozenset((4, 5, 6, 7, 11, 12, 13, 14))
"""Devices, pipes and sockets."""
