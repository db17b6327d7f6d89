"""What all websocket upgrades have in common: each is answered in the background, on a connection of its own.

Who answers one may take the socket over: its descriptor is duplicated, and the server's own transport is dropped, which
closes nothing as long as the duplicate is open.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import anyio
import h11
import structlog
from uvicorn.server import ServerState

from golem_vpn.api import upgrade
from golem_vpn.errors import GolemVpnError, Overloaded

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

MAX_READ_AHEAD = 64 * 1024
"""What a client may send before the upgrade is answered; the rest waits in its own system."""

log = structlog.get_logger()


class Upgrades:
    """Answers upgrade requests until the daemon stops."""

    def __init__(self, answer: "Answer") -> None:
        self._answer = answer
        self._tasks: TaskGroup | None = None

    async def run(self) -> None:
        """Serves websockets until cancelled, which ends them all."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                await anyio.sleep_forever()
            finally:
                self._tasks = None

    def serve(self, client: "UpgradeProtocol", request: h11.Request) -> None:
        """Answers an upgrade request in the background."""
        if self._tasks is None:
            client.refuse(upgrade.refusal(Overloaded("The daemon is stopping")))
        else:
            self._tasks.start_soon(self._serve, client, request)

    async def _serve(self, client: "UpgradeProtocol", request: h11.Request) -> None:
        try:
            with client.presence:
                await self._answer(client, request)
        except GolemVpnError as error:
            client.refuse(upgrade.refusal(error))
        except Exception:
            # One websocket's failure must not end the others, which share the task group.
            log.exception("websocket failed unexpectedly")
            client.refuse(upgrade.refusal(GolemVpnError("Internal error: see the daemon's log")))


class UpgradeProtocol(asyncio.Protocol):
    """Takes over a connection from the HTTP server when its client asks for a websocket."""

    def __init__(self, upgrades: Upgrades, server_state: ServerState) -> None:
        self.presence = anyio.CancelScope()
        """Ends what is done for the client, when it goes away before its socket was handed over."""
        self._upgrades = upgrades
        self._connections: set[object] = server_state.connections  # type: ignore[assignment]
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=upgrade.MAX_HEAD_BYTES)
        self._requested = False
        self._is_detached = False
        self._already_read = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._requested:
            self._already_read += data
        else:
            self._read_request(data)
        if len(self._already_read) > MAX_READ_AHEAD:
            self._transport.pause_reading()

    def connection_lost(self, _error: Exception | None) -> None:
        self._connections.discard(self)
        if not self._is_detached:
            self.presence.cancel()

    def shutdown(self) -> None:
        """Drops the client, since the server stops."""
        self._transport.abort()

    def refuse(self, response: bytes) -> None:
        """Answers the request with an error, and ends the connection."""
        if not self._transport.is_closing():
            self._transport.write(response)
            self._transport.close()

    @contextmanager
    def detached(self) -> Iterator[tuple[int, bytes]]:
        """Gives a descriptor of the client's socket, and what came after the request; the server is done with it.

        Raises:
            Overloaded: the daemon has no descriptor left.
        """
        if self._transport.is_closing():
            raise GolemVpnError("The client went away")
        try:
            fd = os.dup(self._transport.get_extra_info("socket").fileno())
        except OSError as error:
            raise Overloaded("The daemon has too many connections open") from error
        self._is_detached = True
        self._transport.abort()
        try:
            yield fd, bytes(self._already_read)
        finally:
            os.close(fd)

    def _read_request(self, data: bytes) -> None:
        try:
            self._parser.receive_data(data)
            request = self._parser.next_event()
        except h11.RemoteProtocolError as error:
            self.refuse(upgrade.refusal(upgrade.malformed(error)))
            return
        if isinstance(request, h11.Request):
            self._requested = True
            self._already_read += self._parser.trailing_data[0]
            self._upgrades.serve(self, request)


Answer = Callable[[UpgradeProtocol, h11.Request], Awaitable[None]]
"""Serves one websocket to its end, or raises what its client is to hear instead."""
