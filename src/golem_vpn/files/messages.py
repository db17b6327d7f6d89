"""What nodes say to each other about files.

A file is named by an identity of the node that has it, and by a name that only those know who were given its URL.
"""

import msgspec

from golem_vpn.net.wire import Message

CHUNK_BYTES = 512 * 1024
"""How many bytes of a file one message holds, so that it fits even with all that surrounds them."""


class DescribeFile(Message, frozen=True):
    """Asks what a published file is."""

    owner: str
    name: str


class FileDescription(msgspec.Struct, frozen=True):
    """Tells what a published file is."""

    size: int
    digest: str | None = None
    """SHA3-256 in hex digits, where the owner knows it."""


class ReadFile(Message, frozen=True):
    """Asks for a part of a published file."""

    owner: str
    name: str
    offset: int
    length: int


class BeginFile(Message, frozen=True):
    """Announces a file that the owner waits for; answered with how much of it is there already."""

    owner: str
    name: str
    size: int
    digest: str


class WriteFile(Message, frozen=True):
    """Hands over a part of an announced file."""

    owner: str
    name: str
    digest: str
    offset: int
    content: bytes


class FinishFile(Message, frozen=True):
    """Says that all of an announced file was handed over."""

    owner: str
    name: str
    digest: str


class ReadBlob(Message, frozen=True):
    """Asks for a part of what has a certain digest."""

    digest: str
    offset: int
    length: int


class BlobChunk(msgspec.Struct, frozen=True):
    """A part of a blob, and how long the whole is."""

    size: int
    content: bytes
