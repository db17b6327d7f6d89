"""The `transfer` command: files between URLs and the payload's file system.

Whatever comes or goes lies whole on this machine in between. So what did not come through leaves nothing inside, and
what goes out is the file as it was at one moment.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import anyio
import msgspec

from golem_vpn.errors import InvalidInput
from golem_vpn.exeunit.outputs import Outputs
from golem_vpn.exeunit.script import Transfer
from golem_vpn.files.chunks import Progress
from golem_vpn.trees import remove_tree

AT_ONCE = 4
"""How many files of one activity are on their way at a time; the others wait."""
DIRECTORY = "transfers"

_CONTAINER = "container:"
_REMOTE = ("gftp", "http", "https")


class Carrier(Protocol):
    """Brings files by URL; `files.fetch.Fetcher` does."""

    async def download(
        self, url: str, target: Path, on_progress: Progress, *, requestor: str | None, limit: int | None
    ) -> None:
        """Fetches a file."""
        ...

    async def upload(self, source: Path, url: str, on_progress: Progress, *, requestor: str | None) -> None:
        """Takes a file to where a URL points."""
        ...


class Container(Protocol):
    """The payload's file system; `payload.Payload` has it."""

    async def put_file(self, source: Path, path: str) -> None:
        """Copies a file in."""
        ...

    async def take_file(self, path: str, target: Path) -> None:
        """Copies a file out."""
        ...


class End(msgspec.Struct, frozen=True):
    """Where a file comes from or goes to: a URL, or a path inside."""

    url: str | None
    path: str

    @classmethod
    def parse(cls, text: str) -> "End":
        """Reads one end of a transfer; without a scheme it is a path inside.

        Raises:
            InvalidInput: it is neither a URL that can be, nor an absolute path.
        """
        scheme, colon, _ = text.partition(":")
        if colon and scheme.lower() in _REMOTE:
            return cls(text, "")
        path = text.removeprefix(_CONTAINER)
        if not path.startswith("/") or path.endswith("/") or "\0" in path:
            raise InvalidInput(
                f"{text[:200]!r}: expected {_CONTAINER} and the absolute path of a file, or a URL with one of the "
                f"schemes {', '.join(_REMOTE)}"
            )
        return cls(None, path)


class Transfers:
    """Carries the files of one activity."""

    def __init__(self, carrier: Carrier, requestor: str, work_dir: Path, limit: int | None) -> None:
        self._carrier = carrier
        self._requestor = requestor
        self._directory = work_dir / DIRECTORY
        self._limit = limit
        self._limiter = anyio.CapacityLimiter(AT_ONCE)

    async def run(self, command: Transfer, container: Container, outputs: Outputs) -> None:
        """Carries one file.

        Raises:
            InvalidInput: the command asks for what can't be, or a payload can't read or write the file.
            GolemVpnError: it did not come through.
        """
        source, target = _ends(command)

        def tell(done: int, total: int | None) -> None:
            outputs.progress((0, 1), None, done, total, "Bytes")

        async with self._limiter, self._file() as file:
            if source.url is None:
                await container.take_file(source.path, file)
            else:
                await self._carrier.download(source.url, file, tell, requestor=self._requestor, limit=self._limit)
            if target.url is None:
                await container.put_file(file, target.path)
            else:
                await self._carrier.upload(file, target.url, tell, requestor=self._requestor)

    @asynccontextmanager
    async def _file(self) -> AsyncIterator[Path]:
        directory = anyio.Path(self._directory / secrets.token_hex(8))
        await directory.mkdir(mode=0o700, parents=True)
        try:
            yield Path(directory / "file")
        finally:
            with anyio.CancelScope(shield=True):
                await remove_tree(Path(directory))


def _ends(command: Transfer) -> tuple[End, End]:
    for name in ("format", "depth", "fileset"):
        if getattr(command, name) is not None:
            raise InvalidInput(f"{name} is not supported: a transfer carries one file as it is")
    source, target = End.parse(command.source), End.parse(command.target)
    if source.url is not None and target.url is not None:
        raise InvalidInput("one end of a transfer has to be in the payload's file system")
    return source, target
