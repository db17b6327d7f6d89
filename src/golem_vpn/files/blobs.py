"""Files that are known by their digest, wherever they are: images, above all.

Whoever knows a digest may have what it is of.
"""

from collections.abc import Callable
from pathlib import Path

from anyio.to_thread import run_sync

from golem_vpn.errors import InvalidInput, NotFound
from golem_vpn.files.chunks import Progress, check_size, fill, unheard
from golem_vpn.files.courier import Courier
from golem_vpn.files.digests import check_digest
from golem_vpn.files.messages import CHUNK_BYTES, BlobChunk, ReadBlob
from golem_vpn.files.partial import partial_file
from golem_vpn.net.control import Control

BlobSource = Callable[[str], Path | None]
"""Finds the file of a digest, if there is one; called in a thread."""


class Blobs:
    """Gives other nodes what they know the digest of, and fetches from them."""

    def __init__(self, control: Control, courier: Courier | None = None) -> None:
        self._courier = courier or Courier(control)
        self._sources: list[BlobSource] = []
        control.on(ReadBlob)(self._read)

    def register(self, source: BlobSource) -> None:
        """Adds a place to look for blobs in."""
        self._sources.append(source)

    async def fetch(
        self, node_id: str, digest: str, target: Path, on_progress: Progress = unheard, *, limit: int | None = None
    ) -> None:
        """Fetches what has a digest from a node; what came before a failure is kept for the next attempt.

        Raises:
            InvalidInput: it is no digest, the file is too large, or the target cannot be written.
            NotFound: the node has nothing of that digest.
            PeerUnreachable: the node stays away.
            TransferFailed: it gave something else.
            Conflict: the same is being fetched to the same place already.
        """
        check_digest(digest)

        async def ask(offset: int, length: int) -> BlobChunk:
            return await self._courier.ask(node_id, ReadBlob(digest, offset, length), BlobChunk)

        async def read(offset: int, length: int) -> bytes:
            return (await ask(offset, length)).content

        async with partial_file(target, digest) as partial:
            size = (await ask(0, 0)).size
            check_size(size, limit)
            await fill(partial, size, read, on_progress)
            await partial.complete(digest)

    async def _read(self, _sender: str, message: ReadBlob) -> BlobChunk:
        check_digest(message.digest)
        if message.offset < 0 or not 0 <= message.length <= CHUNK_BYTES:
            raise InvalidInput(f"a chunk has at most {CHUNK_BYTES} bytes, and begins at 0 or later")
        return await run_sync(self._read_file, message)

    def _read_file(self, message: ReadBlob) -> BlobChunk:
        path = next((path for source in self._sources if (path := source(message.digest))), None)
        try:
            if path is not None:
                return _read_chunk(path, message.offset, message.length)
        except FileNotFoundError:
            pass
        raise NotFound(f"this node has nothing with the digest {message.digest}")


def _read_chunk(path: Path, offset: int, length: int) -> BlobChunk:
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(offset)
        return BlobChunk(size, file.read(length))
