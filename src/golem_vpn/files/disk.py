"""Files of this machine behind URLs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec
import structlog
from anyio.to_thread import run_sync

from golem_vpn.errors import Gone, InvalidInput, NotFound
from golem_vpn.files.digests import digest_of
from golem_vpn.files.messages import FileDescription
from golem_vpn.files.partial import partial_file

log = structlog.get_logger()


class Snapshot(msgspec.Struct, frozen=True):
    """What a file was when it was looked at."""

    size: int
    modified: int
    """Nanoseconds since 1970."""
    digest: str

    @classmethod
    def of(cls, path: Path) -> "Snapshot":
        """Looks at a file; blocks.

        Raises:
            NotFound: there is no such file.
            InvalidInput: it can't be read, or changes meanwhile.
        """
        if not path.is_file():
            raise NotFound(f"there is no file {path}")
        try:
            before = path.stat()
            digest = digest_of(path)
        except OSError as error:
            raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
        snapshot = cls(before.st_size, before.st_mtime_ns, digest)
        if not snapshot.is_of(path.stat()):
            raise InvalidInput(f"{path} is being written at the moment")
        return snapshot

    def is_of(self, status: os.stat_result) -> bool:
        """Tells whether a file still seems to be the same."""
        return (self.size, self.modified) == (status.st_size, status.st_mtime_ns)


class DiskSource:
    """Published files of one content; there is something to read as long as one of them is as it was."""

    def __init__(self) -> None:
        self._copies: dict[Path, Snapshot] = {}

    def add(self, path: Path, snapshot: Snapshot) -> None:
        """Takes in a file."""
        self._copies[path] = snapshot

    async def describe(self) -> FileDescription:
        """Tells what it is.

        Raises:
            Gone: every copy was removed or changed.
        """
        return await run_sync(self._describe)

    async def read(self, offset: int, length: int) -> bytes:
        """Gives a part of it.

        Raises:
            Gone: every copy was removed or changed.
        """
        return await run_sync(self._read, offset, length)

    def _describe(self) -> FileDescription:
        with self._open() as (snapshot, _):
            return FileDescription(snapshot.size, snapshot.digest)

    def _read(self, offset: int, length: int) -> bytes:
        with self._open() as (_, file):
            file.seek(offset)
            return file.read(length)

    @contextmanager
    def _open(self) -> Iterator[tuple[Snapshot, BinaryIO]]:
        for path, snapshot in tuple(self._copies.items()):
            try:
                with open(path, "rb") as file:
                    if snapshot.is_of(os.fstat(file.fileno())):
                        yield snapshot, file
                        return
            except OSError as error:
                log.info("a published file cannot be read any more", path=str(path), reason=error.strerror)
            self._copies.pop(path, None)
        raise Gone("the file was removed or changed since it was published")


class DiskSink:
    """A place of this machine that waits for a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digest = ""

    async def begin(self, size: int, digest: str) -> int:
        """Goes on with what came of the same file before."""
        self._digest = digest
        async with partial_file(self._path, digest) as partial:
            if partial.size > size:
                await partial.restart()
            return partial.size

    async def append(self, content: bytes) -> None:
        """Writes the next part."""
        async with partial_file(self._path, self._digest) as partial:
            await partial.append(content)

    async def finish(self) -> None:
        """Puts the file in its place."""
        async with partial_file(self._path, self._digest) as partial:
            await partial.complete(self._digest)
