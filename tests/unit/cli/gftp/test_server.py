import json
import os
import signal
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from litestar.types import ASGIApp

from golem_vpn.api.app_keys import AppKeys
from golem_vpn.api.dependencies import Services
from golem_vpn.cli.gftp import server as module
from golem_vpn.cli.gftp.server import Server, serve
from golem_vpn.errors import NotFound
from golem_vpn.net.identity import Identities
from golem_vpn.sdk.client import Client

pytestmark = pytest.mark.anyio


class Daemon:
    """A daemon without a socket."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._key = key

    def find(self) -> Client:
        return Client("http://daemon", self._key, transport=httpx.ASGITransport(self._app))  # type: ignore[arg-type]


@pytest.fixture
def daemon(app: ASGIApp, app_keys: AppKeys, key_file: Path) -> Daemon:
    return Daemon(app, key_file.read_text().strip())


def line(method: str, **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": 1}).encode()


async def ask(server: Server, method: str, **params: Any) -> Any:
    answer = json.loads(await server.answer(line(method, **params)))
    assert answer["id"] == 1
    return answer.get("result", answer.get("error"))


async def test_all_that_sdks_ask(daemon: Daemon, services: Services, identities: Identities, tmp_path: Path) -> None:
    mine = identities.default.node_id
    server = Server(daemon.find)
    source = tmp_path / "source"
    source.write_bytes(b"content")
    assert tuple(map(int, (await ask(server, "version")).split("."))) >= (0, 7, 3)
    [published] = await ask(server, "publish", files=[str(source)])
    assert published["file"] == str(source)
    awaited = await ask(server, "receive", output_file=str(tmp_path / "target"))
    assert await ask(server, "upload", file=str(source), url=awaited["url"]) == "ok"
    assert (tmp_path / "target").read_bytes() == b"content"
    assert [file.url for file in services.files.offered(mine)] == [published["url"], awaited["url"]]
    assert await ask(server, "close", urls=[published["url"], published["url"]]) == ["ok", "error"]
    assert await ask(server, "shutdown") == "ok"
    assert server.is_stopped
    await server.leave()
    assert services.files.offered(mine) == []


async def test_refusals_are_told(daemon: Daemon, tmp_path: Path) -> None:
    server = Server(daemon.find)
    assert (await ask(server, "banana"))["code"] == -32601
    assert (await ask(server, "publish"))["code"] == -32602
    refused = await ask(server, "publish", files=[str(tmp_path / "missing")])
    assert refused["code"] == -32000
    assert "there is no file" in refused["message"]
    assert json.loads(await server.answer(b"banana"))["error"]["code"] == -32700
    assert await server.answer(b'{"method":"version"}') == b""
    await server.leave()


async def test_a_daemon_is_needed_for_files_only() -> None:
    def find() -> Client:
        raise NotFound("no daemon is running")

    server = Server(find)
    assert await ask(server, "version")
    assert "no daemon" in (await ask(server, "receive", output_file="x"))["message"]
    await server.leave()


class Talk:
    """A server at the other end of two pipes."""

    def __init__(self) -> None:
        self.source, self._write = os.pipe()
        self._read, self.sink = os.pipe()

    def send(self, data: bytes) -> None:
        os.write(self._write, data)

    async def receive(self) -> Any:
        await anyio.wait_readable(self._read)
        return json.loads(os.read(self._read, 65536))

    def hang_up(self) -> None:
        os.close(self._write)

    def close(self) -> None:
        for descriptor in (self.source, self._read, self.sink):
            os.close(descriptor)


@pytest.mark.parametrize("end", ["shutdown", "hang up", "signal"])
async def test_what_was_published_ends_with_the_program(
    end: str, daemon: Daemon, services: Services, identities: Identities, tmp_path: Path
) -> None:
    talk = Talk()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve, daemon.find, talk.source, talk.sink)
        request = line("receive", output_file=str(tmp_path / "target"))
        talk.send(request[:10])
        await anyio.wait_all_tasks_blocked()
        talk.send(request[10:] + b"\n\n")
        assert "url" in (await talk.receive())["result"]
        assert len(services.files.offered(identities.default.node_id)) == 1
        if end == "shutdown":
            talk.send(line("shutdown") + b"\n")
            assert (await talk.receive())["result"] == "ok"
        if end == "signal":
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            talk.hang_up()
    assert services.files.offered(identities.default.node_id) == []
    if end == "signal":
        talk.hang_up()
    talk.close()


async def test_requests_from_a_file(daemon: Daemon, tmp_path: Path) -> None:
    requests = tmp_path / "requests"
    requests.write_bytes(line("version") + b"\n" + line("version"))
    talk = Talk()
    source = os.open(requests, os.O_RDONLY)
    await serve(daemon.find, source, talk.sink)
    os.close(source)
    assert os.read(talk._read, 65536).count(b"result") == 2
    talk.hang_up()
    talk.close()


async def test_a_line_without_end_is_refused(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE_BYTES", 100)
    talk = Talk()
    talk.send(b"x" * 200)
    await serve(daemon.find, talk.source, talk.sink)
    assert (await talk.receive())["error"]["code"] == -32700
    talk.hang_up()
    talk.close()
