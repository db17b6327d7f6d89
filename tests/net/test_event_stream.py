"""Events of a batch, from the payload through both daemons to a client that listens."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest

from golem_vpn.sdk.client import ACTIVITY, Client
from tests.net.machines import payload_machines

pytestmark = [pytest.mark.network, pytest.mark.anyio]

STREAM: dict[str, object] = {"stdout": {"stream": {}}, "stderr": {"stream": {}}}


class Listener:
    """What a client hears of one batch."""

    def __init__(self, response: httpx.Response) -> None:
        self.last_id = ""
        self._lines = response.aiter_lines()

    async def next(self) -> dict[str, Any]:
        """Waits for the next event."""
        fields: dict[str, str] = {}
        async for line in self._lines:
            if not line and fields:
                self.last_id = fields["id"]
                event: dict[str, Any] = json.loads(fields["data"])
                return event
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
        raise EOFError

    async def kinds(self) -> AsyncIterator[dict[str, Any]]:
        """Gives the kinds of the events up to the end of the stream."""
        while True:
            try:
                yield (await self.next())["kind"]
            except EOFError:
                return


@asynccontextmanager
async def listening(client: Client, activity_id: str, batch_id: str, last_id: str = "") -> AsyncIterator[Listener]:
    headers = {"Authorization": f"Bearer {client.app_key}", "Accept": "text/event-stream"}
    headers |= {"Last-Event-ID": last_id} if last_id else {}
    url = f"{client.url}{ACTIVITY}/{activity_id}/exec/{batch_id}"
    async with httpx.AsyncClient(headers=headers, trust_env=False) as http, http.stream("GET", url) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream"
        yield Listener(response)


async def test_output_is_heard_while_the_program_runs_and_by_who_comes_again(client: Client) -> None:
    async with payload_machines(client, count=1) as [machine]:
        script = "echo one; echo oops >&2; while [ ! -e go ]; do sleep 0.05; done; echo two; exit 3"
        run = {"run": {"entry_point": "/bin/sh", "args": ["-c", script], "capture": STREAM}}
        batch_id = await client.execute(machine.activity_id, [run])
        heard: list[dict[str, Any]] = []
        with anyio.fail_after(30):
            async with listening(client, machine.activity_id, batch_id) as listener:
                while len(heard) < 3:
                    heard.append((await listener.next())["kind"])
            await machine.run("/bin/sh", "-c", "touch go")
            async with listening(client, machine.activity_id, batch_id, listener.last_id) as listener:
                heard += [kind async for kind in listener.kinds()]
        assert heard[0]["started"]["command"]["run"]["args"] == ["-c", script]
        assert sorted(heard[1:3], key=str) == [{"stderr": "oops\n"}, {"stdout": "one\n"}]
        assert heard[3] == {"stdout": "two\n"}
        [finished] = heard[4:]
        assert finished["finished"]["return_code"] == 3


async def test_the_end_of_the_activity_ends_its_streams(client: Client) -> None:
    async with payload_machines(client, count=1) as [machine]:
        batch_id = await machine.spawn("sleep", "1000")
        async with listening(client, machine.activity_id, batch_id) as listener:
            assert "started" in (await listener.next())["kind"]
            await client.destroy_activity(machine.activity_id)
            with anyio.fail_after(30):
                [finished] = [kind async for kind in listener.kinds()]
        assert finished["finished"]["return_code"] == 1
