"""Serves the API on a socket, inside the daemon's event loop."""

import functools
import socket
import sys
from typing import Never

import anyio
import anyio.abc
import h11
import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from golem_vpn.api import prefixes
from golem_vpn.api.app import create_app
from golem_vpn.api.bus_sockets import BusSockets
from golem_vpn.api.dependencies import Services
from golem_vpn.api.upgrade_server import Answer, UpgradeProtocol, Upgrades
from golem_vpn.config import Address
from golem_vpn.descriptors import allow_many_descriptors
from golem_vpn.errors import ConfigurationError

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 75
"""Longer than clients keep idle connections, so that none sends a request just when the daemon hangs up."""
GRACE_SECONDS = 1
"""What requests get to end when the daemon stops."""


class ApiServer:
    """Listens at an address, and serves the application and the websockets there."""

    def __init__(self, services: Services, listen: Address) -> None:
        self._app = create_app(services)
        self._upgrades = Upgrades(_answerer(services))
        self._listen = listen

    async def serve(self, *, task_status: anyio.abc.TaskStatus[Address] = anyio.TASK_STATUS_IGNORED) -> None:
        """Serves until cancelled; reports the address once requests are answered.

        Raises:
            ConfigurationError: the address cannot be had.
        """
        allow_many_descriptors()
        with await _bind(self._listen) as listening:
            server = self._server()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._upgrades.run)
                await server.startup(sockets=[listening])
                task_status.started(Address(*listening.getsockname()[:2]))
                try:
                    await _keep_date(server)
                finally:
                    with anyio.CancelScope(shield=True):
                        await server.shutdown(sockets=[listening])

    def _server(self) -> uvicorn.Server:
        config = uvicorn.Config(
            self._app,
            http=EagerProtocol,
            ws=functools.partial(_upgrade_protocol, self._upgrades),  # type: ignore[arg-type]
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        config.load()
        server = uvicorn.Server(config)
        # What `serve` would do, less its signal handlers: signals are the daemon's.
        server.lifespan = config.lifespan_class(config)
        return server


class EagerProtocol(HttpToolsProtocol):
    """Gives a websocket also the bytes that an eager client sent in one go with its upgrade request."""

    _chunk = b""

    def data_received(self, data: bytes) -> None:
        self._chunk = data
        super().data_received(data)

    def handle_websocket_upgrade(self) -> None:
        stop = sys.exception()
        super().handle_websocket_upgrade()
        if isinstance(stop, httptools.HttpParserUpgrade):
            offset: int = stop.args[0]
            rest, self._chunk = self._chunk[offset:], b""
            protocol = self.transport.get_protocol()
            if rest and isinstance(protocol, UpgradeProtocol):
                protocol.data_received(rest)


async def _keep_date(server: uvicorn.Server) -> Never:
    """Has answers bear the time; uvicorn's own loop would also look ten times a second whether it is to end."""
    while True:
        await server.on_tick(0)
        await anyio.sleep(1)


def _upgrade_protocol(upgrades: Upgrades, *, server_state: ServerState, **_others: object) -> UpgradeProtocol:
    return UpgradeProtocol(upgrades, server_state)


def _answerer(services: Services) -> Answer:
    """Gives who answers an upgrade, by its path."""
    sockets = BusSockets(services.app_keys, services.bus)

    async def answer(client: UpgradeProtocol, request: h11.Request) -> None:
        is_of_bus = request.target.startswith(prefixes.GSB.encode() + b"/")
        await (sockets.answer if is_of_bus else services.gates.answer)(client, request)

    return answer


async def _bind(address: Address) -> socket.socket:
    try:
        [(family, _, _, _, target), *_] = await anyio.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        listening = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise ConfigurationError(f"The API cannot listen at {address}: {error.strerror}") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(target)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"The API cannot listen at {address}: {error.strerror}; does another daemon run there?"
        ) from error
    return listening
