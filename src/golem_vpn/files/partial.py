"""A file on its way to its place.

Until it is complete it lies beside its target, under a name that says what it will be: whoever asks for the same again
goes on where it ends, also after a restart. Its content is always a beginning of the whole.
"""

import fcntl
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio.to_thread import run_sync

from golem_vpn.errors import Conflict, InvalidInput, TransferFailed
from golem_vpn.files.digests import digest_of

MAX_NAME = 200
"""What file systems let a name have, less what is added to it."""


class Partial:
    """The beginning of a file, open for more of it."""

    def __init__(self, target: Path, path: Path) -> None:
        self._target = target
        self.path = path
        """Where it lies."""
        self._file = open(path, "ab")  # noqa: SIM115 - closed by `close`
        self.size = self._file.seek(0, os.SEEK_END)
        """How many bytes are there."""

    async def append(self, content: bytes) -> None:
        """Adds what follows."""
        await run_sync(self._file.write, content)
        self.size += len(content)

    async def restart(self) -> None:
        """Throws away what is there."""
        await run_sync(self._truncate)

    async def complete(self, digest: str | None = None) -> None:
        """Puts the file in its place.

        Raises:
            TransferFailed: it is not what its digest says; it is thrown away.
        """
        await run_sync(self._complete, digest)

    def lock(self) -> None:
        """Keeps others from writing the same.

        Raises:
            Conflict: somebody does.
        """
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"{self._target} is being written already") from None

    def close(self, *, keep: bool) -> None:
        """Leaves what is there for the next attempt, or nothing."""
        self._file.close()
        if not keep:
            self.path.unlink(missing_ok=True)

    def _truncate(self) -> None:
        self._file.truncate(0)
        self.size = self._file.seek(0)

    def _complete(self, digest: str | None) -> None:
        self._file.flush()
        if digest is not None and digest_of(self.path, len(digest)) != digest:
            self._truncate()
            raise TransferFailed(f"what came is not what was asked for: its digest is not {digest}")
        os.fsync(self._file.fileno())
        self.path.replace(self._target)


@asynccontextmanager
async def partial_file(target: Path, identity: str | None) -> AsyncIterator[Partial]:
    """Opens the beginning of a file, which is kept for the next attempt where an identity says what it is.

    Raises:
        InvalidInput: there can be no such file.
        Conflict: it is being written already.
    """
    mark = "new" if identity is None else hashlib.sha256(identity.encode()).hexdigest()[:16]
    partial = await run_sync(_open, target, target.with_name(f".{target.name[:MAX_NAME]}.{mark}.part"))
    try:
        if identity is None:
            await partial.restart()
        yield partial
    finally:
        with anyio.CancelScope(shield=True):
            await run_sync(lambda: partial.close(keep=identity is not None and partial.size > 0))


def _open(target: Path, path: Path) -> Partial:
    if target.is_dir():
        raise InvalidInput(f"{target} is a directory")
    try:
        partial = Partial(target, path)
    except OSError as error:
        raise InvalidInput(f"{target} cannot be written: {error.strerror}") from error
    try:
        partial.lock()
    except Conflict:
        partial.close(keep=True)
        raise
    return partial
