"""Answers other nodes about what is behind the `gftp` URLs of this one.

Whoever knows a URL may fetch, or hand over: names can't be guessed.
"""

from golem_vpn.errors import Conflict, InvalidInput, NotFound
from golem_vpn.files.digests import SHA3_256_DIGITS, check_digest
from golem_vpn.files.inbox import Inbox
from golem_vpn.files.messages import (
    CHUNK_BYTES,
    BeginFile,
    DescribeFile,
    FileDescription,
    FinishFile,
    ReadFile,
    WriteFile,
)
from golem_vpn.files.ports import Sink, Source
from golem_vpn.files.urls import GftpUrl
from golem_vpn.net.control import Control


class Exchange:
    """Knows what is behind each URL."""

    def __init__(self, control: Control) -> None:
        self._sources: dict[tuple[str, str], Source] = {}
        self._inboxes: dict[tuple[str, str], Inbox] = {}
        control.on(DescribeFile)(self._describe)
        control.on(ReadFile)(self._read)
        control.on(BeginFile)(self._begin)
        control.on(WriteFile)(self._write)
        control.on(FinishFile)(self._finish)

    def bind(self, place: GftpUrl, *, source: Source | None = None, sink: Sink | None = None) -> None:
        """Puts something behind a URL.

        Raises:
            Conflict: there is something already.
        """
        if place in self._sources or place in self._inboxes:
            raise Conflict(f"there is something under {place} already")
        if source is not None:
            self._sources[place] = source
        if sink is not None:
            self._inboxes[place] = Inbox(sink)

    def unbind(self, place: GftpUrl) -> None:
        """Takes away what is behind a URL."""
        self._sources.pop(place, None)
        self._inboxes.pop(place, None)

    async def _describe(self, _sender: str, message: DescribeFile) -> FileDescription:
        return await self._source(message.owner, message.name).describe()

    async def _read(self, _sender: str, message: ReadFile) -> bytes:
        if message.offset < 0 or not 0 < message.length <= CHUNK_BYTES:
            raise InvalidInput(f"a part of a file has 1 to {CHUNK_BYTES} bytes, and begins at 0 or later")
        return await self._source(message.owner, message.name).read(message.offset, message.length)

    async def _begin(self, _sender: str, message: BeginFile) -> int:
        if len(check_digest(message.digest)) != SHA3_256_DIGITS or message.size < 0:
            raise InvalidInput("a file is announced with its size and its SHA3-256 digest")
        return await self._inbox(message.owner, message.name).begin(message)

    async def _write(self, _sender: str, message: WriteFile) -> None:
        if len(message.content) > CHUNK_BYTES:
            raise InvalidInput(f"a part of a file has at most {CHUNK_BYTES} bytes")
        await self._inbox(message.owner, message.name).write(message)

    async def _finish(self, _sender: str, message: FinishFile) -> None:
        await self._inbox(message.owner, message.name).finish(message)

    def _source(self, owner: str, name: str) -> Source:
        source = self._sources.get((owner, name))
        if source is None:
            raise NotFound("no file is published under this URL, or it was closed")
        return source

    def _inbox(self, owner: str, name: str) -> Inbox:
        inbox = self._inboxes.get((owner, name))
        if inbox is None:
            raise NotFound("no file is awaited under this URL, or it was closed")
        return inbox
