"""Files of this machine behind URLs."""

import os
from pathlib import Path

from anyio.to_thread import run_sync

from golem_vpn.errors import Gone, InvalidInput, NotFound
from golem_vpn.files.digests import digest_of
from golem_vpn.files.messages import FileDescription
from golem_vpn.files.partial import partial_file
from golem_vpn.store.files import FileSnapshot


def examine(path: Path) -> FileSnapshot:
    """Looks at a file; blocks.

    Raises:
        NotFound: there is no such file.
        InvalidInput: it can't be read, or changes meanwhile.
    """
    if not path.is_file():
        raise NotFound(f"there is no file {path}")
    try:
        status = path.stat()
        snapshot = FileSnapshot(status.st_size, status.st_mtime_ns, digest_of(path))
        unchanged = _matches(snapshot, path.stat())
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    if not unchanged:
        raise InvalidInput(f"{path} is being written at the moment")
    return snapshot


class DiskSource:
    """A published file, which must stay as it was."""

    def __init__(self, path: Path, snapshot: FileSnapshot) -> None:
        self._path = path
        self._snapshot = snapshot

    async def describe(self) -> FileDescription:
        """Tells what it is.

        Raises:
            Gone: it was removed or changed.
        """
        await self.read(0, 0)
        return FileDescription(self._snapshot.size, self._snapshot.digest)

    async def read(self, offset: int, length: int) -> bytes:
        """Gives a part of it.

        Raises:
            Gone: it was removed or changed.
        """
        return await run_sync(self._read, offset, length)

    def _read(self, offset: int, length: int) -> bytes:
        try:
            with open(self._path, "rb") as file:
                if not _matches(self._snapshot, os.fstat(file.fileno())):
                    raise Gone("the file has changed since it was published")
                file.seek(offset)
                return file.read(length)
        except OSError as error:
            raise Gone(f"the file cannot be read any more: {error.strerror}") from error


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


def _matches(snapshot: FileSnapshot, status: os.stat_result) -> bool:
    return (snapshot.size, snapshot.modified) == (status.st_size, status.st_mtime_ns)
