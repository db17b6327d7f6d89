"""What this node offers under `gftp` URLs: published files, and places that wait for files.

Files of the same content have one URL. What is offered stays so until it is released, also over a restart.
"""

import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec
from anyio.to_thread import run_sync

from golem_vpn import moments
from golem_vpn.errors import Forbidden, InvalidInput, NotFound, Overloaded
from golem_vpn.files.disk import DiskSink, DiskSource, Snapshot
from golem_vpn.files.exchange import Exchange
from golem_vpn.files.urls import GftpUrl
from golem_vpn.store.files import FileRepository, StoredAwaited, StoredPublication

MAX_FILES = 10_000


class Offered(msgspec.Struct, frozen=True):
    """A file of this machine and its URL."""

    file: str
    url: str


class FileService:
    """Publishes files, and waits for files."""

    def __init__(self, exchange: Exchange, repository: FileRepository, hidden: Sequence[Path] = ()) -> None:
        self._exchange = exchange
        self._repository = repository
        self._hidden = tuple(hidden)
        self._published: dict[GftpUrl, DiskSource] = {}
        self._offered: dict[GftpUrl, list[Offered]] = {}

    async def open(self) -> None:
        """Recalls what was offered before the last stop of the daemon."""
        for published in await self._repository.published():
            self._add_published(published)
        for awaited in await self._repository.awaited():
            self._add_awaited(awaited)

    async def publish(self, owner: str, paths: Sequence[Path]) -> list[Offered]:
        """Makes files fetchable, all or none, and gives their URLs.

        Raises:
            NotFound: a file is not there.
            InvalidInput: one can't be read.
            Forbidden: one is the daemon's own.
            Overloaded: there are too many.
        """
        self._check_room(len(paths))
        files = [await run_sync(self._examine, owner, path) for path in paths]
        for file in files:
            await self._repository.publish(file)
        return [self._add_published(file) for file in files]

    async def receive(self, owner: str, path: Path) -> Offered:
        """Waits for a file, under a new URL.

        Raises:
            InvalidInput: there can be no such file.
            Forbidden: it would be among the daemon's own.
            Overloaded: there are too many.
        """
        self._check_room(1)
        await run_sync(self._check_target, path)
        file = StoredAwaited(owner=owner, name=secrets.token_hex(32), path=str(path), created=moments.now())
        await self._repository.wait_for(file)
        return self._add_awaited(file)

    async def release(self, owner: str, url: str) -> None:
        """Takes back what is under a URL.

        Raises:
            InvalidInput: it is no URL of this kind.
            NotFound: nothing of that identity is offered under it.
        """
        place = GftpUrl.parse(url)
        if place.owner != owner or place not in self._offered:
            raise NotFound(f"nothing of yours is offered under {place}")
        await self._repository.release(place.owner, place.name)
        self._exchange.unbind(place)
        self._offered.pop(place, None)
        self._published.pop(place, None)

    def offered(self, owner: str) -> list[Offered]:
        """Lists the files of an identity."""
        return [file for place, files in self._offered.items() if place.owner == owner for file in files]

    def check_path(self, path: Path) -> None:
        """Makes sure that a file is none of the daemon's own; blocks.

        Raises:
            InvalidInput: the path is not absolute.
            Forbidden: it is in the daemon's folder.
        """
        if not path.is_absolute() or "\0" in str(path):
            raise InvalidInput(f"{str(path)!r} is not an absolute path")
        resolved = path.resolve()
        if any(resolved.is_relative_to(hidden.resolve()) for hidden in self._hidden):
            raise Forbidden(f"{path} is in the daemon's own folder")

    def _examine(self, owner: str, path: Path) -> StoredPublication:
        self.check_path(path)
        snapshot = msgspec.structs.asdict(Snapshot.of(path))
        return StoredPublication(
            owner=owner, name=snapshot["digest"], path=str(path), created=moments.now(), **snapshot
        )

    def _check_target(self, path: Path) -> None:
        self.check_path(path)
        if not path.parent.is_dir():
            raise InvalidInput(f"there is no directory {path.parent}")

    def _check_room(self, count: int) -> None:
        if sum(map(len, self._offered.values())) + count > MAX_FILES:
            raise Overloaded(f"this node offers at most {MAX_FILES} files; close some")

    def _add_published(self, file: StoredPublication) -> Offered:
        place = GftpUrl(file.owner, file.name)
        if place not in self._published:
            self._published[place] = DiskSource()
            self._exchange.bind(place, source=self._published[place])
        self._published[place].add(Path(file.path), Snapshot(file.size, file.modified, file.digest))
        return self._note(place, file.path)

    def _add_awaited(self, file: StoredAwaited) -> Offered:
        place = GftpUrl(file.owner, file.name)
        self._exchange.bind(place, sink=DiskSink(Path(file.path)))
        return self._note(place, file.path)

    def _note(self, place: GftpUrl, path: str) -> Offered:
        offered = Offered(path, str(place))
        files = self._offered.setdefault(place, [])
        if offered not in files:
            files.append(offered)
        return offered
