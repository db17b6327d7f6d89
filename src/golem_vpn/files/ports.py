"""What can be behind the URL of a file."""

from typing import Protocol

from golem_vpn.files.messages import FileDescription


class Source(Protocol):
    """Something that others may read."""

    async def describe(self) -> FileDescription:
        """Tells what it is.

        Raises:
            Gone: it is not there any more.
        """
        ...

    async def read(self, offset: int, length: int) -> bytes:
        """Gives a part of it, less than asked for at its end only.

        Raises:
            Gone: it is not there any more, or has changed.
        """
        ...


class Sink(Protocol):
    """Something that waits for a file of others."""

    async def begin(self, size: int, digest: str) -> int:
        """Gets ready for a file, and tells how much of it is there already.

        Raises:
            Conflict: another file was begun, and can't be given up.
        """
        ...

    async def append(self, content: bytes) -> None:
        """Takes the next part of it; never called twice at once."""
        ...

    async def finish(self) -> None:
        """Checks that it is whole and hands it over.

        Raises:
            TransferFailed: it is not what was announced.
        """
        ...
