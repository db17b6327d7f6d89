"""`gftp server`, which SDKs start and talk to by its standard input and output.

What is published and awaited by it ends with it: an application that goes away leaves no URLs behind.
"""

import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import msgspec

from golem_vpn.cli.gftp import rpc
from golem_vpn.cli.gftp.rpc import Code, Request, RpcError
from golem_vpn.errors import GolemVpnError
from golem_vpn.sdk.client import Client
from golem_vpn.sdk.models import OfferedFile

PROTOCOL = "0.17.6"
"""The release of the original `gftp` whose requests these are; from 0.7.3 on SDKs close what they published."""
MAX_LINE_BYTES = 1024 * 1024
GOODBYE_SECONDS = 5.0

FindDaemon = Callable[[], Client]


class Publish(msgspec.Struct, frozen=True):
    """The parameters of `publish`."""

    files: list[str]


class Receive(msgspec.Struct, frozen=True):
    """The parameters of `receive`."""

    output_file: str


class Close(msgspec.Struct, frozen=True):
    """The parameters of `close`."""

    urls: list[str]


class Upload(msgspec.Struct, frozen=True):
    """The parameters of `upload`."""

    file: str
    url: str


class Server:
    """Answers one application; the daemon is looked for when it is needed first."""

    def __init__(self, find_daemon: FindDaemon) -> None:
        self.is_stopped = False
        self._find_daemon = find_daemon
        self._here = Path.cwd()
        self._client: Client | None = None
        self._urls: dict[str, None] = {}
        self._methods: dict[str, Callable[[Request], Awaitable[Any]]] = {
            "version": self._version,
            "publish": self._publish,
            "receive": self._receive,
            "close": self._close,
            "upload": self._upload,
            "shutdown": self._shutdown,
        }

    async def answer(self, line: bytes) -> bytes:
        """Gives the answer to a line; nothing where none is wanted."""
        try:
            request = rpc.parse(line)
        except RpcError as error:
            return rpc.refusal(error.request_id, error.code, error.message)
        request_id = None if request.id is msgspec.UNSET else request.id
        try:
            answer = rpc.result(request_id, await self._obey(request))
        except RpcError as error:
            answer = rpc.refusal(request_id, error.code, error.message)
        except GolemVpnError as error:
            answer = rpc.refusal(request_id, Code.FAILED, error.message)
        return b"" if request.id is msgspec.UNSET else answer

    async def leave(self) -> None:
        """Closes what is still open, as far as the daemon is there."""
        with contextlib.suppress(GolemVpnError), anyio.move_on_after(GOODBYE_SECONDS, shield=True):
            if self._urls:
                await (await self._daemon()).close_files(list(self._urls))
        with anyio.CancelScope(shield=True):
            if self._client is not None:
                await self._client.__aexit__()

    async def _obey(self, request: Request) -> Any:
        method = self._methods.get(request.method)
        if method is None:
            raise RpcError(Code.NO_METHOD, f"there is no method {request.method!r}, only {', '.join(self._methods)}")
        return await method(request)

    async def _version(self, _request: Request) -> str:
        return PROTOCOL

    async def _publish(self, request: Request) -> Any:
        files = rpc.parameters(request, Publish).files
        offered = await (await self._daemon()).publish_files([self._here / file for file in files])
        return [self._note(file, made.url) for file, made in zip(files, offered, strict=True)]

    async def _receive(self, request: Request) -> Any:
        file = rpc.parameters(request, Receive).output_file
        made = await (await self._daemon()).receive_file(self._here / file)
        return self._note(file, made.url)

    async def _close(self, request: Request) -> list[str]:
        urls = rpc.parameters(request, Close).urls
        statuses = await (await self._daemon()).close_files(urls)
        for url in urls:
            self._urls.pop(url, None)
        return statuses

    async def _upload(self, request: Request) -> str:
        wanted = rpc.parameters(request, Upload)
        await (await self._daemon()).upload_file(self._here / wanted.file, wanted.url)
        return "ok"

    async def _shutdown(self, _request: Request) -> str:
        self.is_stopped = True
        return "ok"

    def _note(self, file: str, url: str) -> OfferedFile:
        """Remembers a URL, and shows the file by the name that the application gave it."""
        self._urls[url] = None
        return OfferedFile(file, url)

    async def _daemon(self) -> Client:
        if self._client is None:
            self._client = await self._find_daemon().__aenter__()
        return self._client


async def serve(find_daemon: FindDaemon, source: int, sink: int) -> None:
    """Answers the lines of one descriptor on another, until `shutdown`, the end of the lines, or a signal."""
    server = Server(find_daemon)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_end_on_signal, tasks.cancel_scope)
            async for line in _lines(source):
                await _write(sink, await server.answer(line))
                if server.is_stopped:
                    break
            tasks.cancel_scope.cancel()
    finally:
        await server.leave()


async def _end_on_signal(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        await anext(signals)
        scope.cancel()


async def _lines(source: int) -> AsyncIterator[bytes]:
    pending = b""
    while True:
        # A regular file can't be waited for, and need not be.
        with contextlib.suppress(PermissionError):
            await anyio.wait_readable(source)
        data = os.read(source, 64 * 1024)
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
        if not data or len(pending) > MAX_LINE_BYTES:
            if pending.strip():
                yield pending[:MAX_LINE_BYTES]
            return


async def _write(sink: int, line: bytes) -> None:
    while line:
        line = line[await anyio.to_thread.run_sync(os.write, sink, line) :]
