"""A load generator for an HTTP API: bare keep-alive connections, so that the daemon is measured and not the client."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio

from bench.measures.processes import cpu_seconds


@dataclass(frozen=True, slots=True)
class Figures:
    """What a load reached."""

    calls_per_second: float
    p50_milliseconds: float
    p99_milliseconds: float
    cpu_milliseconds: float
    """The daemons' processor time for one call, which says the same however busy the machine is."""


@dataclass(frozen=True, slots=True)
class Api:
    """Where an API is, and the key for it."""

    url: str
    app_key: str
    pids: tuple[int, ...]
    """The daemons behind it."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Connection"]:
        """Connects to the API."""
        address = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            yield Connection(self, reader, writer)
        finally:
            writer.close()


class Connection:
    """One connection, which takes one request at a time."""

    def __init__(self, api: Api, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._head = f"Host: {urlsplit(api.url).netloc}\r\nAuthorization: Bearer {api.app_key}\r\n\r\n"
        self._reader = reader
        self._writer = writer

    async def send(self, path: str) -> None:
        """Sends a request, and doesn't wait for the answer."""
        self._writer.write(f"GET {path} HTTP/1.1\r\n{self._head}".encode())
        await self._writer.drain()

    async def call(self, path: str) -> bytes:
        """Sends a request and gives the body of the answer, which must be a good one."""
        await self.send(path)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *headers = head.splitlines()
        length = next(int(header[15:]) for header in headers if header.lower().startswith("content-length:"))
        body = await self._reader.readexactly(length)
        if status.split()[1] != "200":
            raise RuntimeError(f"{path}: {status}: {body.decode(errors='replace')}")
        return body


async def load(api: Api, path: str, *, connections: int, seconds: float) -> Figures:
    """Calls a path over some connections, on each as fast as the answers come."""
    took: list[float] = []
    cpu_before = sum(map(cpu_seconds, api.pids))
    end = time.perf_counter() + seconds

    async def repeat() -> None:
        async with api.connection() as connection:
            await connection.call(path)
            while (began := time.perf_counter()) < end:
                await connection.call(path)
                took.append(time.perf_counter() - began)

    async with anyio.create_task_group() as tasks:
        for _ in range(connections):
            tasks.start_soon(repeat)
    quantiles = statistics.quantiles(took, n=100)
    cpu = sum(map(cpu_seconds, api.pids)) - cpu_before
    return Figures(len(took) / seconds, quantiles[49] * 1000, quantiles[98] * 1000, cpu / len(took) * 1000)


@asynccontextmanager
async def idle_polls(api: Api, path: str, count: int) -> AsyncIterator[None]:
    """Keeps long polls open that nothing answers meanwhile."""
    async with AsyncExitStack() as stack:
        for _ in range(count):
            connection = await stack.enter_async_context(api.connection())
            await connection.send(path)
        yield
