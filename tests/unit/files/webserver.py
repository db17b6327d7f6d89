"""A web server of few words, which breaks where a test says so."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import h11
from anyio.abc import SocketAttribute, SocketStream


@dataclass
class WebServer:
    """Answers GET with a content and PUT with thanks."""

    content: bytes
    break_after: int | None = None
    """After how many bytes the first answer's connection breaks."""
    version: str | None = '"1"'
    port: int = 0
    ranges: list[str] = field(default_factory=list)
    received: bytes = b""

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/{path}"

    async def serve(self, stream: SocketStream) -> None:
        connection = h11.Connection(h11.SERVER)
        async with stream:
            request: h11.Request | None = None
            while not isinstance(event := connection.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    try:
                        connection.receive_data(await stream.receive())
                    except anyio.EndOfStream:
                        return
                elif isinstance(event, h11.Request):
                    request = event
                elif isinstance(event, h11.Data):
                    self.received += event.data
            assert request is not None
            await self._answer(stream, request)

    async def _answer(self, stream: SocketStream, request: h11.Request) -> None:
        path = request.target.decode().partition("?")[0]
        if path == "/moved":
            await _respond(stream, 302, [f"Location: {self.url('file')}"])
        elif path == "/put":
            await _respond(stream, 201)
        elif path != "/file":
            await _respond(stream, 403 if path == "/forbidden" else 404)
        else:
            await self._give(stream, dict(request.headers))

    async def _give(self, stream: SocketStream, headers: dict[bytes, bytes]) -> None:
        lines = [] if self.version is None else [f"ETag: {self.version}", "Accept-Ranges: bytes"]
        wanted = headers.get(b"range", b"").decode()
        if not wanted:
            await _respond(stream, 200, lines, self.content, self._break())
            return
        self.ranges.append(wanted)
        assert headers[b"if-range"].decode() == self.version
        first = int(wanted.removeprefix("bytes=").removesuffix("-"))
        await _respond(stream, 206, lines, self.content[first:], None)

    def _break(self) -> int | None:
        after, self.break_after = self.break_after, None
        return after


@asynccontextmanager
async def serving(server: WebServer) -> AsyncIterator[WebServer]:
    """Runs a server."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    server.port = listener.extra(SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, server.serve)
        yield server
        tasks.cancel_scope.cancel()


async def _respond(
    stream: SocketStream, status: int, lines: list[str] | None = None, body: bytes = b"", until: int | None = None
) -> None:
    head = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", "Connection: close", *(lines or []), "\r\n"]
    try:
        await stream.send("\r\n".join(head).encode() + body[:until])
    except anyio.BrokenResourceError:
        return
