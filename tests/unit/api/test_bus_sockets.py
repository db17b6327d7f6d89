"""Applications that serve files over a websocket, on a real socket."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from flatbuffers import flexbuffers
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from golem_vpn.api.app_keys import AppKeys
from golem_vpn.api.dependencies import Services
from golem_vpn.api.server import ApiServer
from golem_vpn.config import Address
from golem_vpn.files.bus import BusService
from golem_vpn.net.identity import Identities

pytestmark = pytest.mark.anyio

SUBPROTOCOL: Any = "gsb+flexbuffers"


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    return "asyncio", {"use_uvloop": request.param}


@dataclass
class Daemon:
    address: Address
    key: str
    service_id: str
    service: BusService

    def connect(self, service_id: str | None = None, *, key: str | None = None, **options: Any) -> connect:
        url = f"ws://{self.address}/gsb-api/v1/services/{service_id or self.service_id}?authToken={key or self.key}"
        return connect(url, **{"subprotocols": [SUBPROTOCOL], "compression": None, "proxy": None} | options)


@pytest.fixture
async def daemon(
    services: Services, app_keys: AppKeys, key_file: Path, identities: Identities
) -> AsyncIterator[Daemon]:
    mine = identities.default.node_id
    service_id = services.bus.bind(mine, "/public/gftp/name", ["GetMetadata", "GetChunk"])
    async with anyio.create_task_group() as tasks:
        address = await tasks.start(ApiServer(services, Address("127.0.0.1", 0)).serve)
        yield Daemon(address, key_file.read_text().strip(), service_id, services.bus.find(mine, service_id))
        tasks.cancel_scope.cancel()


async def answer(socket: ClientConnection, payload: object, *, parts: int = 1) -> Any:
    """Answers one request, perhaps in several frames."""
    request = flexbuffers.Loads(await socket.recv())
    data = bytes(flexbuffers.Dumps({"id": request["id"], "payload": payload}))
    step = -(-len(data) // parts)
    await socket.send([data[start : start + step] for start in range(0, len(data), step)] if parts > 1 else data)
    return request


async def test_questions_and_answers(daemon: Daemon) -> None:
    async with daemon.connect() as socket, anyio.create_task_group() as tasks:
        assert socket.subprotocol == SUBPROTOCOL
        asked: list[Any] = []

        async def serve() -> None:
            asked.append(await answer(socket, {"fileSize": 700_000}))
            asked.append(await answer(socket, {"content": b"x" * 500_000, "offset": 0}, parts=3))

        tasks.start_soon(serve)
        assert (await daemon.service.describe()).size == 700_000
        assert await daemon.service.read(0, 500_000) == b"x" * 500_000
        await (await socket.ping())
        assert asked[1]["component"] == "GetChunk"
        assert asked[1]["payload"] == {"offset": 0, "size": 500_000}
    assert daemon.service.idle_since is not None


async def test_the_end_of_the_service_is_that_of_the_connection(
    daemon: Daemon, services: Services, identities: Identities
) -> None:
    async with daemon.connect() as socket:
        services.bus.unbind(identities.default.node_id, daemon.service_id)
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1000


async def test_a_second_connection_takes_over(daemon: Daemon) -> None:
    async with daemon.connect() as first, daemon.connect() as second:
        with pytest.raises(ConnectionClosed):
            await first.recv()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(answer, second, {"fileSize": 1})
            assert (await daemon.service.describe()).size == 1


@pytest.mark.parametrize("nonsense", ["text", b"no flexbuffer", b"x" * 2_000_000])
async def test_nonsense_ends_the_connection(daemon: Daemon, nonsense: str | bytes) -> None:
    async with daemon.connect() as socket:
        with suppress(ConnectionClosed):
            await socket.send(nonsense)
        with pytest.raises(ConnectionClosed):
            await socket.recv()


async def test_who_may_not_connect(daemon: Daemon) -> None:
    for connecting, status in (
        (daemon.connect("unknown"), 404),
        (daemon.connect("a/b"), 404),
        (daemon.connect(key="wrong"), 401),
        (daemon.connect(subprotocols=None), 400),
        (daemon.connect(subprotocols=["other"]), 400),
    ):
        with pytest.raises(InvalidStatus) as refused:
            await connecting
        assert refused.value.response.status_code == status
