"""A thousand clients that wait for results at one daemon, all of the same provider."""

import json
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import pytest

from golem_vpn.sdk.client import ACTIVITY, Client
from tests.net.machines import payload_machines

pytestmark = [pytest.mark.network, pytest.mark.anyio, pytest.mark.timeout(180)]

POLLS = 1_000
BATCHES = 50
CALLS = 100


async def test_a_thousand_idle_long_polls_neither_disturb_others_nor_miss_their_results(client: Client) -> None:
    async with payload_machines(client, count=1) as [machine], anyio.create_task_group() as tasks:
        script = "while [ ! -e go ]; do sleep 0.5; done; echo done"
        batches = [await machine.spawn("/bin/sh", "-c", script) for _ in range(BATCHES)]
        answers: list[list[dict[str, Any]]] = []

        async def poll(batch_id: str) -> None:
            answers.append(await _results(client, machine.activity_id, batch_id))

        for number in range(POLLS):
            tasks.start_soon(poll, batches[number % BATCHES])
        await _until_waiting(client, POLLS)
        for _ in range(CALLS):
            assert (await client.activity_state(machine.activity_id)).state[0] == "Ready"
        assert not answers
        assert await machine.run("/bin/sh", "-c", "touch go; echo gone") == "gone\n"
        with anyio.fail_after(60):
            while len(answers) < POLLS:
                await anyio.sleep(0.1)
        assert all([result["stdout"] for result in answer] == ["done\n"] for answer in answers)


async def _results(client: Client, activity_id: str, batch_id: str) -> list[dict[str, Any]]:
    """Polls over a bare connection: common clients take their time with a thousand."""
    host, _, port = urlsplit(client.url).netloc.rpartition(":")
    path = f"{ACTIVITY}/{activity_id}/exec/{batch_id}?timeout=120"
    head = (f"GET {path} HTTP/1.1", "Host: daemon", f"Authorization: Bearer {client.app_key}", "Connection: close")
    async with await anyio.connect_tcp(host, int(port)) as connection:
        await connection.send("".join(f"{line}\r\n" for line in (*head, "")).encode())
        answer = b"".join([data async for data in connection])
    status, body = answer.split(b"\r\n", 1)[0], answer.split(b"\r\n\r\n", 1)[1]
    assert status == b"HTTP/1.1 200 OK", answer
    results: list[dict[str, Any]] = json.loads(body)
    return results


async def _until_waiting(client: Client, count: int) -> None:
    async with httpx.AsyncClient(base_url=client.url, trust_env=False) as http:
        with anyio.fail_after(60):
            while f"golem_vpn_result_polls {count}.0" not in (await http.get("/metrics")).text:
                await anyio.sleep(0.2)
