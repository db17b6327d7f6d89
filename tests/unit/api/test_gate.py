"""The gate on a real socket; what it leads to is a stream in memory that echoes plain bytes."""

import dataclasses
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketStream, TaskStatus

from golem_vpn.api.app_keys import AppKeys
from golem_vpn.api.dependencies import Services
from golem_vpn.api.gate import Gates
from golem_vpn.api.server import ApiServer
from golem_vpn.api.upgrade_server import MAX_READ_AHEAD
from golem_vpn.config import Address
from golem_vpn.errors import ConnectionRefused, ConnectionTimeout
from golem_vpn.net.identity import Identities
from golem_vpn.store.database import Database
from golem_vpn.store.networks import NetworkRepository
from golem_vpn.vpn.model import Connection
from golem_vpn.vpn.networks import NetworkService
from tests.unit.api.kit import DeafPublisher

pytestmark = pytest.mark.anyio

ECHO, CLOSED, SILENT, SLOW, BROKEN = (f"10.0.0.{host}" for host in range(2, 7))
CHANGED_PROTOCOL = b"HTTP/1.1 101 Switching Protocols"


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    return "asyncio", {"use_uvloop": request.param}


@dataclass
class EchoStream:
    broken: bool = False
    closed: bool = False

    def pump_websocket(self, fd: int, already_read: bytes, response_head: bytes) -> Awaitable[str]:
        if self.broken:
            raise OSError("the native side broke")
        return _echo(socket.socket(fileno=os.dup(fd)), response_head + already_read)

    def drops(self) -> dict[str, int]:
        return {"foreign_source": 3}

    def close(self) -> None:
        self.closed = True


async def _echo(client: socket.socket, first: bytes) -> str:
    async with await SocketStream.from_socket(client) as stream:
        await stream.send(first)
        async for chunk in stream:
            await stream.send(chunk)
    return "client-closed"


@dataclass
class Payloads:
    """Behave by their addresses."""

    go_on: anyio.Event = field(default_factory=anyio.Event)
    gave_up: anyio.Event = field(default_factory=anyio.Event)
    streams: list[EchoStream] = field(default_factory=list)

    async def open(self, network_id: str, addresses: Sequence[str]) -> "Payloads":
        return self

    async def set_addresses(self, addresses: Sequence[str]) -> None: ...

    async def connect(self, ip: str, port: int, timeout: float) -> EchoStream:
        if ip == CLOSED:
            raise ConnectionRefused("Socket closed")
        if ip == SILENT:
            raise ConnectionTimeout("Nothing answered")
        if ip == SLOW:
            try:
                await self.go_on.wait()
            except anyio.get_cancelled_exc_class():
                self.gave_up.set()
                raise
        self.streams.append(EchoStream(broken=ip == BROKEN))
        return self.streams[-1]

    def open_raw(self, source: str, destination: str) -> EchoStream:
        self.streams.append(EchoStream(broken=destination == BROKEN))
        return self.streams[-1]

    def connections(self) -> list[Connection]:
        return []

    def close(self) -> None: ...


@dataclass
class Daemon:
    address: Address
    gates: Gates
    payloads: Payloads
    secret: str
    network_id: str
    stop: Callable[[], None]

    async def upgrade(self, ip: str = ECHO, **changes: str | None) -> SocketStream:
        """Asks for a gate, and leaves the answer to be read."""
        connection = await anyio.connect_tcp(self.address.host, self.address.port)
        await connection.send(self.request(ip, **changes))
        return connection

    def request(self, ip: str = ECHO, path: str | None = None, **changes: str | None) -> bytes:
        headers: dict[str, str | None] = {
            "host": "daemon",
            "authorization": f"Bearer {self.secret}",
            "connection": "Upgrade",
            "upgrade": "websocket",
            "sec_websocket_version": "13",
            "sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ==",
            **changes,
        }
        lines = [f"GET {path or f'/net-api/v1/net/{self.network_id}/tcp/{ip}/80'} HTTP/1.1"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items() if value is not None]
        return "\r\n".join([*lines, "\r\n"]).encode()


@pytest.fixture
async def daemon(
    services: Services, app_keys: AppKeys, database: Database, identities: Identities, key_file: Path
) -> AsyncIterator[Daemon]:
    payloads = Payloads()
    owner = identities.default.node_id
    networks = NetworkService(NetworkRepository(database), DeafPublisher(), payloads, node_id=owner, own_ids=identities)
    network = await networks.create(owner, "10.0.0.0/24")
    for address in (ECHO, BROKEN):
        await networks.add_node(owner, network.id, f"0x{int(address[-1]):040x}", address)
    gates = Gates(app_keys, networks)
    server = ApiServer(dataclasses.replace(services, networks=networks, gates=gates), Address("127.0.0.1", 0))
    serving = anyio.CancelScope()

    async def serve(*, task_status: TaskStatus[Address]) -> None:
        with serving:
            await server.serve(task_status=task_status)

    async with anyio.create_task_group() as tasks:
        address = await tasks.start(serve)
        secret = key_file.read_text().strip()
        yield Daemon(address, gates, payloads, secret, network.id, serving.cancel)
        serving.cancel()


async def read_head(connection: SocketStream) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += await connection.receive()
    head, rest = received.split(b"\r\n\r\n", 1)
    assert rest == b""
    return head


async def read_refusal(connection: SocketStream) -> tuple[int, str]:
    received = b"".join([chunk async for chunk in connection])
    head, body = received.split(b"\r\n\r\n", 1)
    assert b"application/json" in head
    return int(head.split()[1]), json.loads(body)["message"]


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(10):
        while not condition():
            await anyio.sleep(0.005)


async def test_an_upgrade_becomes_a_stream(daemon: Daemon) -> None:
    async with await daemon.upgrade() as connection:
        assert (await read_head(connection)).startswith(CHANGED_PROTOCOL)
        for message in (b"one", b"two"):
            await connection.send(message)
            assert await connection.receive() == message
        assert daemon.gates.tcp.open == 1
    await until(lambda: daemon.gates.tcp.open == 0)
    assert daemon.gates.tcp.ends == {"client-closed": 1}
    assert daemon.payloads.streams[0].closed


async def test_the_second_prefix_and_the_query_do_as_well(daemon: Daemon) -> None:
    path = f"/net-api/v2/vpn/net/{daemon.network_id}/tcp/{ECHO}/80?authToken={daemon.secret}"
    async with await daemon.upgrade(path=path, authorization=None) as connection:
        assert (await read_head(connection)).startswith(CHANGED_PROTOCOL)


@pytest.mark.parametrize("prefix", ["net-api/v1", "net-api/v2/vpn"])
async def test_a_raw_gate_opens_and_is_counted_apart(daemon: Daemon, prefix: str) -> None:
    path = f"/{prefix}/net/{daemon.network_id}/raw/from/10.0.0.1/to/{ECHO}?authToken={daemon.secret}"
    async with await daemon.upgrade(path=path, authorization=None) as connection:
        assert (await read_head(connection)).startswith(CHANGED_PROTOCOL)
        await connection.send(b"frame")
        assert await connection.receive() == b"frame"
        assert (daemon.gates.raw.open, daemon.gates.tcp.open) == (1, 0)
        assert daemon.gates.raw_drops() == {"foreign_source": 3}
    await until(lambda: daemon.gates.raw.open == 0)
    assert daemon.gates.raw.ends == {"client-closed": 1}
    assert daemon.gates.raw_drops() == {"foreign_source": 3}
    assert daemon.payloads.streams[0].closed


@pytest.mark.parametrize(
    ("source", "destination", "changes", "status", "part"),
    [
        ("10.0.0.9", ECHO, {}, 400, "not yours"),
        ("10.0.0.1", "10.0.0.99", {}, 400, "Connection error: destination address not found"),
        ("10.0.0.1", "rubbish", {}, 400, "invalid IP address syntax"),
        ("10.0.0.1", ECHO, {"authorization": None}, 401, "Missing application key"),
        ("10.0.0.1", ECHO, {"authorization": "Bearer wrong"}, 401, "Invalid application key"),
        ("10.0.0.1", ECHO, {"sec_websocket_version": "8"}, 426, "13"),
        ("10.0.0.1", ECHO, {"connection": "close", "upgrade": None}, 400, "NoWebsocketUpgrade"),
    ],
)
async def test_refusals_of_raw_gates_are_http_errors(
    daemon: Daemon, source: str, destination: str, changes: dict[str, str | None], status: int, part: str
) -> None:
    path = f"/net-api/v1/net/{daemon.network_id}/raw/from/{source}/to/{destination}"
    async with await daemon.upgrade(ECHO, **{**changes, "path": path}) as connection:
        answer = await read_refusal(connection)
    assert answer[0] == status
    assert part in answer[1]
    assert daemon.gates.raw.open == 0


async def test_a_raw_gate_that_breaks_is_closed_and_counted(daemon: Daemon) -> None:
    path = f"/net-api/v1/net/{daemon.network_id}/raw/from/10.0.0.1/to/{BROKEN}"
    async with await daemon.upgrade(path=path) as connection:
        assert [chunk async for chunk in connection] == []
    await until(lambda: daemon.gates.raw.ends == {"cancelled": 1})
    assert daemon.payloads.streams[0].closed


async def test_what_an_eager_client_sends_is_not_lost(daemon: Daemon) -> None:
    async with await anyio.connect_tcp(daemon.address.host, daemon.address.port) as connection:
        await connection.send(daemon.request(SLOW) + b"with the request,")
        await anyio.sleep(0.05)
        await connection.send(b" before the answer")
        await anyio.sleep(0.05)
        daemon.payloads.go_on.set()
        received = b""
        while not received.endswith(b"before the answer"):
            received += await connection.receive()
        assert received.endswith(b"\r\n\r\nwith the request, before the answer")


async def test_an_eager_client_is_held_back(daemon: Daemon) -> None:
    flood = bytes(range(256)) * 4096 * 8
    async with await daemon.upgrade(SLOW) as connection, anyio.create_task_group() as tasks:
        tasks.start_soon(connection.send, flood)
        await anyio.sleep(0.2)
        daemon.payloads.go_on.set()
        assert (await connection.receive()).startswith(CHANGED_PROTOCOL)
        received = 0
        while received < len(flood) - 4 * MAX_READ_AHEAD:
            received += len(await connection.receive())
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("ip", "changes", "status", "part"),
    [
        (CLOSED, {}, 400, "Socket closed"),
        (SILENT, {}, 504, "Nothing answered"),
        (BROKEN, {}, 500, ""),
        ("10.0.1.1", {}, 400, "Invalid network IP address"),
        ("rubbish", {}, 400, "invalid IP address syntax"),
        ("fd00::1", {}, 400, "Invalid network IP address"),
        (ECHO, {"authorization": None}, 401, "Missing application key"),
        (ECHO, {"authorization": "Bearer wrong"}, 401, "Invalid application key"),
        (ECHO, {"path": "/net-api/v1/net/" + "0" * 32 + "/tcp/10.0.0.2/80"}, 403, ""),
        (ECHO, {"path": "/nothing"}, 404, "no websocket"),
        (ECHO, {"path": "/nothing", "authorization": None}, 401, "Missing application key"),
        (ECHO, {"sec_websocket_version": "8"}, 426, "13"),
        (ECHO, {"sec_websocket_key": None}, 400, "Sec-WebSocket-Key"),
    ],
)
async def test_refusals_are_http_errors(
    daemon: Daemon, ip: str, changes: dict[str, str | None], status: int, part: str
) -> None:
    async with await daemon.upgrade(ip, **changes) as connection:
        if ip == BROKEN:
            # The socket was handed over already: there is nobody left who could answer.
            assert [chunk async for chunk in connection] == []
        else:
            answer = await read_refusal(connection)
            assert answer[0] == status
            assert part in answer[1]
    async with await daemon.upgrade() as connection:
        assert (await read_head(connection)).startswith(CHANGED_PROTOCOL)


async def test_a_client_that_goes_away_is_not_connected_for(daemon: Daemon) -> None:
    connection = await daemon.upgrade(SLOW)
    await anyio.sleep(0.05)
    await connection.aclose()
    with anyio.fail_after(10):
        await daemon.payloads.gave_up.wait()
    assert daemon.payloads.streams == []
    assert daemon.gates.tcp.open == 0


async def test_a_plain_request_learns_that_it_must_upgrade(daemon: Daemon) -> None:
    async with await daemon.upgrade(connection="close", upgrade=None) as connection:
        status, message = await read_refusal(connection)
    assert status == 400
    assert "NoWebsocketUpgrade" in message


async def test_many_gates_at_once(daemon: Daemon) -> None:
    connections = [await daemon.upgrade() for _ in range(200)]
    for connection in connections:
        assert (await read_head(connection)).startswith(CHANGED_PROTOCOL)
    assert daemon.gates.tcp.open == len(connections)
    for connection in connections:
        await connection.aclose()
    await until(lambda: daemon.gates.tcp.open == 0)


async def test_stopping_ends_the_gates(daemon: Daemon) -> None:
    async with await daemon.upgrade() as connection, await daemon.upgrade(SLOW) as waiting:
        await read_head(connection)
        daemon.stop()
        with anyio.fail_after(10):
            for ended in (connection, waiting):
                with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                    await ended.receive()
    assert daemon.gates.tcp.open == 0
