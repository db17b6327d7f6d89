"""What this node offers under `gftp` URLs: published files, and places that wait for files.

Each has a URL of its own, which can't be guessed. It stays until it is released, also over a restart.
"""

import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec
from anyio.to_thread import run_sync

from golem_vpn import moments
from golem_vpn.errors import Forbidden, InvalidInput, NotFound, Overloaded
from golem_vpn.files.disk import DiskSink, DiskSource, examine
from golem_vpn.files.exchange import Exchange
from golem_vpn.files.fetch import Fetcher
from golem_vpn.files.urls import GftpUrl
from golem_vpn.store.files import FileRepository, FileSnapshot, StoredFile

MAX_FILES = 10_000


class OfferedFile(msgspec.Struct, frozen=True):
    """A file of this machine and its URL."""

    file: str
    url: str


class FileService:
    """Publishes files, waits for files, and carries those of this machine's own user."""

    def __init__(
        self, exchange: Exchange, fetcher: Fetcher, repository: FileRepository, hidden: Sequence[Path] = ()
    ) -> None:
        self._exchange = exchange
        self._fetcher = fetcher
        self._repository = repository
        self._hidden = hidden
        self._offered: dict[GftpUrl, OfferedFile] = {}

    async def open(self) -> None:
        """Recalls what was offered before the last stop of the daemon."""
        for file in await self._repository.all():
            self._offer(file)

    async def publish(self, owner: str, paths: Sequence[Path]) -> list[OfferedFile]:
        """Makes files fetchable, all or none, and gives their URLs.

        Raises:
            NotFound: a file is not there.
            InvalidInput: one can't be read.
            Forbidden: one is the daemon's own.
            Overloaded: there are too many.
        """
        files = [_new(owner, path, await run_sync(self._examine, path)) for path in paths]
        return await self._add(files)

    async def receive(self, owner: str, path: Path) -> OfferedFile:
        """Waits for a file.

        Raises:
            InvalidInput: there can be no such file.
            Forbidden: it would be among the daemon's own.
            Overloaded: there are too many.
        """
        await run_sync(self._check_target, path)
        [offered] = await self._add([_new(owner, path, None)])
        return offered

    async def release(self, owner: str, url: str) -> None:
        """Takes back what is under a URL.

        Raises:
            InvalidInput: it is no URL of this kind.
            NotFound: nothing of that identity is offered under it.
        """
        place = GftpUrl.parse(url)
        if place.owner != owner or place not in self._offered:
            raise NotFound(f"nothing of yours is offered under {place}")
        await self._repository.remove(place.owner, place.name)
        self._exchange.unbind(place)
        self._offered.pop(place, None)

    def offered(self, owner: str) -> list[OfferedFile]:
        """Lists the files of an identity, oldest first."""
        return [file for place, file in self._offered.items() if place.owner == owner]

    async def download(self, url: str, path: Path) -> None:
        """Fetches a file to a place of this machine.

        Raises:
            Forbidden: the place is among the daemon's own files.
            InvalidInput: there can be no such file, or the URL is one of this machine.
            GolemVpnError: as `Fetcher.download` does.
        """
        _check_remote(url)
        await run_sync(self._check_target, path)
        await self._fetcher.download(url, path)

    async def upload(self, path: Path, url: str) -> None:
        """Takes a file of this machine to where a URL points.

        Raises:
            Forbidden: the file is the daemon's own.
            InvalidInput: the URL is one of this machine.
            GolemVpnError: as `Fetcher.upload` does.
        """
        _check_remote(url)
        await run_sync(self._check_path, path)
        await self._fetcher.upload(path, url)

    async def _add(self, files: Sequence[StoredFile]) -> list[OfferedFile]:
        if len(self._offered) + len(files) > MAX_FILES:
            raise Overloaded(f"this node offers at most {MAX_FILES} files; close some")
        await self._repository.add(files)
        return [self._offer(file) for file in files]

    def _offer(self, file: StoredFile) -> OfferedFile:
        place, path = GftpUrl(file.owner, file.name), Path(file.path)
        if file.published is None:
            self._exchange.bind(place, sink=DiskSink(path))
        else:
            self._exchange.bind(place, source=DiskSource(path, file.published))
        offered = self._offered[place] = OfferedFile(file.path, str(place))
        return offered

    def _examine(self, path: Path) -> FileSnapshot:
        self._check_path(path)
        return examine(path)

    def _check_target(self, path: Path) -> None:
        self._check_path(path)
        if not path.parent.is_dir():
            raise InvalidInput(f"there is no directory {path.parent}")

    def _check_path(self, path: Path) -> None:
        if not path.is_absolute() or "\0" in str(path):
            raise InvalidInput(f"{str(path)!r} is not an absolute path")
        resolved = path.resolve()
        if any(resolved.is_relative_to(hidden.resolve()) for hidden in self._hidden):
            raise Forbidden(f"{path} is in the daemon's own folder")


def _check_remote(url: str) -> None:
    """Refuses `file` URLs, by which the daemon's own files could be had."""
    if url.partition(":")[0].lower() == "file":
        raise InvalidInput("expected a gftp, http or https URL; the file is on this machine already")


def _new(owner: str, path: Path, published: FileSnapshot | None) -> StoredFile:
    return StoredFile(
        owner=owner, name=secrets.token_hex(32), path=str(path), created=moments.now(), published=published
    )
