"""The websockets by which applications serve files that they hold themselves."""

import contextlib
import os

import anyio
import h11
from anyio.abc import SocketStream
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State

from golem_vpn.api import prefixes, upgrade
from golem_vpn.api.app_keys import AppKeys
from golem_vpn.api.credentials import authenticate
from golem_vpn.api.upgrade_server import UpgradeProtocol
from golem_vpn.errors import InvalidInput, NotFound
from golem_vpn.files.bus import Bus, BusService
from golem_vpn.files.messages import CHUNK_BYTES

SUBPROTOCOL = b"gsb+flexbuffers"
MAX_MESSAGE_BYTES = 2 * CHUNK_BYTES
GOODBYE_SECONDS = 1.0
CLOSE_NORMAL = 1000
CLOSE_UNSUPPORTED = 1003


class BusSockets:
    """Connects applications with their services."""

    def __init__(self, app_keys: AppKeys, bus: Bus) -> None:
        self._app_keys = app_keys
        self._bus = bus

    async def answer(self, client: UpgradeProtocol, request: h11.Request) -> None:
        """Serves one connection to its end.

        Raises:
            GolemVpnError: it does not begin; of the class that the client is to hear of.
        """
        target = upgrade.Target.parse(request.target)
        key = authenticate(self._app_keys, request.headers, target.query)
        service = self._bus.find(key.identity, _service_id(target.path))
        upgrade.check(request)
        offered = dict(request.headers).get(b"sec-websocket-protocol", b"")
        if SUBPROTOCOL not in (name.strip() for name in offered.split(b",")):
            raise InvalidInput(f"the subprotocol has to be {SUBPROTOCOL.decode()}")
        with client.detached() as (descriptor, already_read):
            stream = await SocketStream.from_socket(os.dup(descriptor))
        async with stream:
            await stream.send(upgrade.acceptance(request, SUBPROTOCOL))
            await Conversation(stream, service).run(already_read)


class Conversation:
    """One websocket between its beginning and its end."""

    def __init__(self, stream: SocketStream, service: BusService) -> None:
        self._stream = stream
        self._service = service
        self._protocol = Protocol(Side.SERVER, state=State.OPEN, max_size=MAX_MESSAGE_BYTES)
        self._sending = anyio.Lock()
        self._parts: list[bytes] = []

    async def run(self, already_read: bytes) -> None:
        """Carries requests and answers until either side has enough."""
        gone = self._service.connect(self._send)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._receive_all, already_read, tasks.cancel_scope)
                await gone.wait()
                tasks.cancel_scope.cancel()
        finally:
            if not gone.is_set():
                self._service.disconnect()
            with anyio.move_on_after(GOODBYE_SECONDS, shield=True):
                await self._close(CLOSE_NORMAL)

    async def _send(self, message: bytes) -> None:
        self._protocol.send_binary(message)
        await self._flush()

    async def _receive_all(self, first: bytes, scope: anyio.CancelScope) -> None:
        with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            data = first or await self._stream.receive()
            while self._protocol.state is State.OPEN:
                self._protocol.receive_data(data)
                for event in self._protocol.events_received():
                    if isinstance(event, Frame):
                        await self._take(event)
                await self._flush()
                if self._protocol.state is State.OPEN:
                    data = await self._stream.receive()
        scope.cancel()

    async def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.TEXT:
            await self._close(CLOSE_UNSUPPORTED)
        if frame.opcode not in (Opcode.BINARY, Opcode.CONT):
            return
        self._parts.append(bytes(frame.data))
        if frame.fin:
            message, self._parts = b"".join(self._parts), []
            try:
                self._service.take(message)
            except InvalidInput:
                await self._close(CLOSE_UNSUPPORTED)

    async def _close(self, code: int) -> None:
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code)
            await self._flush()

    async def _flush(self) -> None:
        async with self._sending:
            # Where the other side is gone, whoever receives notices it, too.
            with contextlib.suppress(anyio.BrokenResourceError):
                # An empty one would mean the end of what is sent.
                for data in filter(None, self._protocol.data_to_send()):
                    await self._stream.send(data)


def _service_id(path: str) -> str:
    prefix = f"{prefixes.GSB}/services/"
    service_id = path.removeprefix(prefix)
    if not path.startswith(prefix) or not service_id or "/" in service_id:
        raise NotFound("There is no websocket at this path")
    return service_id
