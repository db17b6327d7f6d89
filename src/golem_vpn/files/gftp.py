"""Files of other nodes: fetched from those that published them, handed over to those that wait for them."""

from pathlib import Path

import anyio
from anyio.to_thread import run_sync

from golem_vpn.errors import Conflict, NotFound
from golem_vpn.files.chunks import IN_FLIGHT, Progress, check_size, fill
from golem_vpn.files.courier import Courier
from golem_vpn.files.disk import examine
from golem_vpn.files.messages import (
    CHUNK_BYTES,
    BeginFile,
    DescribeFile,
    FileDescription,
    FinishFile,
    ReadFile,
    WriteFile,
)
from golem_vpn.files.partial import partial_file
from golem_vpn.files.urls import GftpUrl
from golem_vpn.store.files import FileSnapshot

UPLOAD_ATTEMPTS = 3
"""How often an upload begins anew with a node that has forgotten it, as one that restarted has."""


class Gftp:
    """Speaks with the owners of `gftp` URLs."""

    def __init__(self, courier: Courier) -> None:
        self._courier = courier

    async def download(self, url: str, target: Path, on_progress: Progress, limit: int | None) -> None:
        """Fetches a file; what came before a failure is kept for the next attempt, where its digest is known.

        Raises:
            InvalidInput: the URL is none, the file is too large, or the target cannot be written.
            NotFound: its owner has no such file.
            Gone: the file has changed since it was published.
            PeerUnreachable: the owner stays away.
            TransferFailed: the file is not what it was said to be.
        """
        owner, name = GftpUrl.parse(url)
        what = await self._courier.ask(owner, DescribeFile(owner, name), FileDescription)
        check_size(what.size, limit)

        async def read(offset: int, length: int) -> bytes:
            return await self._courier.ask(owner, ReadFile(owner, name, offset, length), bytes)

        async with partial_file(target, what.digest) as partial:
            await fill(partial, what.size, read, on_progress)
            await partial.complete(what.digest)

    async def upload(self, source: Path, url: str, on_progress: Progress) -> None:
        """Hands a file over, going on where an earlier attempt ended.

        Raises:
            InvalidInput: the URL is none, or the owner can't write the file.
            NotFound: its owner waits for no such file, or there is no such source.
            Conflict: another file is being handed over there.
            PeerUnreachable: the owner stays away.
            TransferFailed: what arrived is not what was sent.
        """
        place = GftpUrl.parse(url)
        snapshot = await run_sync(examine, source)
        for _ in range(UPLOAD_ATTEMPTS - 1):
            try:
                return await self._upload(source, snapshot, place, on_progress)
            except Conflict:
                continue
        await self._upload(source, snapshot, place, on_progress)

    async def _upload(self, source: Path, snapshot: FileSnapshot, place: GftpUrl, on_progress: Progress) -> None:
        owner, name = place
        begin = BeginFile(owner, name, snapshot.size, snapshot.digest)
        done = await self._courier.ask(owner, begin, int)
        on_progress(done, snapshot.size)
        offsets = iter(range(done, snapshot.size, CHUNK_BYTES))

        async def work() -> None:
            nonlocal done
            for offset in offsets:
                content = await run_sync(_read, source, offset)
                await self._courier.ask(owner, WriteFile(owner, name, snapshot.digest, offset, content), type(None))
                done += len(content)
                on_progress(done, snapshot.size)

        try:
            async with anyio.create_task_group() as tasks:
                for _ in range(IN_FLIGHT):
                    tasks.start_soon(work)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        await self._courier.ask(owner, FinishFile(owner, name, snapshot.digest), type(None))


def _read(source: Path, offset: int) -> bytes:
    try:
        with open(source, "rb") as file:
            file.seek(offset)
            return file.read(CHUNK_BYTES)
    except FileNotFoundError:
        raise NotFound(f"there is no file {source} any more") from None
