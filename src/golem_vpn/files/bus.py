"""Files that applications themselves hold, and that they are asked for over a connection of theirs.

An application names an address and what it can answer there, and then connects. From there on its file is behind a
`gftp` URL like one of this machine's: parts are asked for when somebody wants them, one request for each.
"""

import re
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any

import anyio

from golem_vpn.errors import Conflict, Forbidden, Gone, InvalidInput, NotFound, Overloaded
from golem_vpn.files.exchange import Exchange
from golem_vpn.files.flexible import Reply, decode_reply, encode_request
from golem_vpn.files.messages import FileDescription
from golem_vpn.files.urls import GftpUrl

MAX_SERVICES = 1_000
MAX_ASKED = 64
"""How many requests wait for an application's answers at a time."""
CONNECT_SECONDS = 10.0
"""How long an application that has named an address gets to connect."""
ANSWER_SECONDS = 30.0
IDLE_SECONDS = 600.0
"""How long a service stays without a connection, when there is need for room."""

SOURCE = frozenset(("GetMetadata", "GetChunk"))
SINK = frozenset(("UploadChunk", "UploadFinished"))

_ADDRESS = re.compile(r"/public/gftp/([A-Za-z0-9._~-]{1,128})")

Send = Callable[[bytes], Awaitable[None]]


class BusService:
    """One file of an application."""

    def __init__(self, place: GftpUrl) -> None:
        self.place = place
        self.idle_since: float | None = time.monotonic()
        """Since when there is no connection."""
        self._send: Send | None = None
        self._connected = anyio.Event()
        self._gone = anyio.Event()
        self._numbers = count(1)
        self._awaited: dict[str, anyio.Event] = {}
        self._replies: dict[str, Reply] = {}
        self._announced: str | None = None
        self._written = 0

    async def describe(self) -> FileDescription:
        """Asks how long the file is."""
        size = (await self._ask("GetMetadata", {})).size
        if size is None or size < 0:
            raise Gone("the application did not say how long its file is")
        return FileDescription(size)

    async def read(self, offset: int, length: int) -> bytes:
        """Asks for a part of the file."""
        content = (await self._ask("GetChunk", {"offset": offset, "size": length})).content
        if content is None or len(content) > length:
            raise Gone("the application did not give the part of its file that was asked for")
        return content

    async def begin(self, size: int, digest: str) -> int:
        """Goes on with the same file; another one can't be taken once there is a part of the first."""
        if self._written and self._announced != digest:
            raise Conflict("the application has got a part of another file under this URL")
        self._announced = digest
        return self._written

    async def append(self, content: bytes) -> None:
        """Hands the next part over."""
        await self._ask("UploadChunk", {"chunk": {"offset": self._written, "content": content}})
        self._written += len(content)

    async def finish(self) -> None:
        """Says that all is there."""
        await self._ask("UploadFinished", {"hash": self._announced})

    def connect(self, send: Send) -> anyio.Event:
        """Takes a connection in place of the one before; gives what tells that it is not wanted any more."""
        self.disconnect()
        self._send, self.idle_since = send, None
        self._gone = anyio.Event()
        self._connected.set()
        return self._gone

    def disconnect(self) -> None:
        """Leaves the connection; what was asked on it stays without an answer."""
        if self._send is not None:
            self._send, self.idle_since = None, time.monotonic()
            self._connected = anyio.Event()
        self._gone.set()
        for event in self._awaited.values():
            event.set()

    def take(self, data: bytes) -> None:
        """Takes an answer; one that nobody waits for any more is dropped.

        Raises:
            InvalidInput: it is none.
        """
        reply = decode_reply(data)
        if (event := self._awaited.get(reply.request_id)) is not None:
            self._replies[reply.request_id] = reply
            event.set()

    async def _ask(self, component: str, payload: dict[str, Any]) -> Reply:
        send = await self._connection()
        if len(self._awaited) >= MAX_ASKED:
            raise Overloaded("the application is asked for too many parts at once")
        request_id = str(next(self._numbers))
        answered = self._awaited[request_id] = anyio.Event()
        try:
            with anyio.move_on_after(ANSWER_SECONDS):
                await send(encode_request(request_id, component, payload))
                await answered.wait()
            reply = self._replies.pop(request_id, None)
        finally:
            del self._awaited[request_id]
        if reply is None:
            raise Gone("the application that has the file went away, or does not answer")
        return reply

    async def _connection(self) -> Send:
        with anyio.move_on_after(CONNECT_SECONDS):
            await self._connected.wait()
        if self._send is None:
            raise Gone("the application that has the file is not connected")
        return self._send


class Bus:
    """The services of all applications."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._services: dict[str, BusService] = {}

    def bind(self, owner: str, address: str, components: Sequence[str]) -> str:
        """Makes a service, and gives its id.

        Raises:
            InvalidInput: the address is none of a file, or the components are none that can be.
            Conflict: there is something at that address.
            Overloaded: there are too many.
        """
        match = _ADDRESS.fullmatch(address)
        if match is None:
            raise InvalidInput("expected the address of a file, /public/gftp/ and a name")
        wanted = frozenset(components)
        if not wanted or not any(wanted >= kind for kind in (SOURCE, SINK)) or not wanted <= SOURCE | SINK:
            raise InvalidInput(f"components: expected {', '.join(sorted(SOURCE))}, or {', '.join(sorted(SINK))}")
        self._make_room()
        service = BusService(GftpUrl(owner, match[1]))
        self._exchange.bind(
            service.place, source=service if wanted >= SOURCE else None, sink=service if wanted >= SINK else None
        )
        service_id = secrets.token_hex(16)
        self._services[service_id] = service
        return service_id

    def find(self, owner: str, service_id: str) -> BusService:
        """Gives a service of an identity.

        Raises:
            NotFound: there is none of that id.
            Forbidden: it is another identity's.
        """
        service = self._services.get(service_id)
        if service is None:
            raise NotFound(f"there is no service {service_id[:64]}")
        if service.place.owner != owner:
            raise Forbidden("the service is another identity's")
        return service

    def unbind(self, owner: str, service_id: str) -> None:
        """Ends a service and its connection.

        Raises:
            NotFound: there is none of that id.
            Forbidden: it is another identity's.
        """
        service = self.find(owner, service_id)
        del self._services[service_id]
        self._exchange.unbind(service.place)
        service.disconnect()

    def _make_room(self) -> None:
        """Ends services whose applications have been away for long, where there are too many."""
        if len(self._services) < MAX_SERVICES:
            return
        oldest = time.monotonic() - IDLE_SECONDS
        for service_id, service in tuple(self._services.items()):
            if service.idle_since is not None and service.idle_since < oldest:
                self.unbind(service.place.owner, service_id)
        if len(self._services) >= MAX_SERVICES:
            raise Overloaded(f"applications have {MAX_SERVICES} services at most; delete some")
