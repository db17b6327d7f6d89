import json
from typing import Any

import anyio
import httpx
import pytest

from golem_vpn.api.app_keys import AppKeys
from golem_vpn.net.identity import Identities
from tests.unit.provider.kit import Provider

pytestmark = pytest.mark.anyio

PATH = "/activity-api/v1/activity"
ECHO: dict[str, Any] = {
    "run": {"entry_point": "/bin/echo", "args": ["hello"], "capture": {"stdout": {"atEnd": {"format": "string"}}}}
}


@pytest.fixture
async def agreement_id(client: httpx.AsyncClient, provider: Provider) -> str:
    response = await client.post("/golem-vpn/v1/agreements", json={"providerId": provider.id})
    return str(response.json()["agreementId"])


@pytest.fixture
async def one(client: httpx.AsyncClient, agreement_id: str) -> str:
    """The path of a new activity."""
    return f"{PATH}/{(await client.post(PATH, json=agreement_id)).json()}"


async def execute(client: httpx.AsyncClient, one: str, *commands: dict[str, Any]) -> str:
    response = await client.post(f"{one}/exec", json={"text": json.dumps(commands)})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    return str(response.json())


async def test_a_payload_from_beginning_to_end(client: httpx.AsyncClient, one: str, agreement_id: str) -> None:
    assert (await client.get(f"{one}/state")).json()["state"] == ["Initialized", None]
    agreement = await client.get(f"{one}/agreement")
    assert (agreement.headers["content-type"], agreement.json()) == ("application/json", agreement_id)
    batch = await execute(client, one, {"deploy": {}}, {"start": {}}, ECHO)
    response = await client.get(f"{one}/exec/{batch}", params={"timeout": 30, "commandIndex": 2})
    results = response.json()
    assert [result["index"] for result in results] == [0, 1, 2]
    assert [result["isBatchFinished"] for result in results] == [False, False, True]
    assert (results[2]["result"], results[2]["stdout"]) == ("Ok", "hello\n")
    assert (await client.get(f"{one}/exec/{batch}", params={"maxItems": 1})).json() == results[:1]
    assert (await client.get(f"{one}/state")).json()["state"] == ["Ready", None]
    usage = (await client.get(f"{one}/usage")).json()
    assert len(usage["currentUsage"]) == 2
    assert isinstance(usage["timestamp"], int)
    assert (await client.delete(one, params={"timeout": 30})).text == "null"
    assert (await client.get(f"{one}/state")).json()["state"] == ["Terminated", None]


async def test_an_object_is_answered_by_an_object(client: httpx.AsyncClient, agreement_id: str) -> None:
    response = await client.post(PATH, params={"timeout": 5}, json={"agreementId": agreement_id})
    assert response.status_code == 200
    assert set(response.json()) == {"activityId", "credentials"}


@pytest.mark.parametrize("body", [5, None, {}, {"agreementId": 5}, []])
async def test_another_body_makes_no_activity(client: httpx.AsyncClient, body: object) -> None:
    response = await client.post(PATH, content=json.dumps(body), headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert set(response.json()) == {"message"}


@pytest.mark.parametrize("text", ["", "rubbish", "{}", "[]", '[{"fly": {}}]', '[{"run": {}}]'])
async def test_a_bad_script_is_400(client: httpx.AsyncClient, one: str, text: str) -> None:
    response = await client.post(f"{one}/exec", json={"text": text})
    assert response.status_code == 400
    assert set(response.json()) == {"message"}


@pytest.mark.parametrize("query", ["timeout=x", "timeout=-1", "timeout=nan", "maxItems=-1", "commandIndex=a"])
async def test_a_bad_query_is_400(client: httpx.AsyncClient, one: str, query: str) -> None:
    batch = await execute(client, one, {"deploy": {}})
    response = await client.get(f"{one}/exec/{batch}?{query}")
    assert response.status_code == 400
    assert set(response.json()) == {"message"}


async def test_the_events_of_a_batch(client: httpx.AsyncClient, one: str) -> None:
    batch = await execute(client, one, {"deploy": {}}, {"start": {}}, ECHO)
    headers = {"accept": "text/event-stream"}
    response = await client.get(f"{one}/exec/{batch}", headers=headers)
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [event for event in response.text.split("\n\n") if event and not event.startswith(":")]
    lines = [dict(line.split(": ", 1) for line in event.splitlines()) for event in events]
    assert [line["id"] for line in lines] == [str(number + 1) for number in range(len(lines))]
    assert {line["event"] for line in lines} == {"runtime"}
    kinds = [(data["index"], data["kind"]) for data in (json.loads(line["data"]) for line in lines)]
    assert kinds[0] == (0, {"started": {"command": {"deploy": kinds[0][1]["started"]["command"]["deploy"]}}})
    assert kinds[-2:] == [(2, {"stdout": "hello\n"}), (2, {"finished": {"return_code": 0, "message": None}})]

    headers["last-event-id"] = lines[-2]["id"]
    response = await client.get(f"{one}/exec/{batch}", headers=headers)
    assert response.text == f"{events[-1]}\n\n"
    headers["last-event-id"] = lines[-1]["id"]
    assert (await client.get(f"{one}/exec/{batch}", headers=headers)).status_code == 204


@pytest.mark.parametrize("last", ["-1", "x", "", "\u0661", "9" * 17])
async def test_a_bad_id_of_a_last_event_is_400(client: httpx.AsyncClient, one: str, last: str) -> None:
    batch = await execute(client, one, {"deploy": {}})
    headers = {"accept": "text/event-stream", "last-event-id": last.encode()}
    assert (await client.get(f"{one}/exec/{batch}", headers=headers)).status_code == 400  # type: ignore[arg-type]


async def test_errors_come_before_a_stream_begins(client: httpx.AsyncClient, one: str) -> None:
    response = await client.get(f"{one}/exec/unknown", headers={"accept": "text/event-stream"})
    assert (response.status_code, response.headers["content-type"]) == (404, "application/json")


async def test_what_runs(client: httpx.AsyncClient, one: str) -> None:
    assert (await client.get(PATH)).json() == [one.removeprefix(f"{PATH}/")]
    batch = await execute(client, one, {"deploy": {}}, {"start": {}}, {"run": {"entry_point": "sleep", "args": ["9"]}})
    await client.get(f"{one}/exec/{batch}", params={"timeout": 30, "commandIndex": 1})
    [command] = (await client.get(f"{one}/command")).json()
    assert command == {"batchId": batch, "command": "run", "params": ["sleep", "9"]}
    await client.delete(one)
    assert (await client.get(f"{one}/command")).status_code == 410
    assert (await client.get(PATH)).json() == []


async def test_unknown_ones_are_404(client: httpx.AsyncClient, one: str) -> None:
    assert (await client.post(PATH, json="unknown")).status_code == 404
    for path in ("state", "usage", "agreement", "command", "exec/unknown"):
        assert (await client.get(f"{PATH}/unknown/{path}")).status_code == 404
    assert (await client.get(f"{one}/exec/unknown")).status_code == 404
    assert (await client.delete(f"{PATH}/unknown")).status_code == 404


async def test_activities_are_their_requestors_own(
    client: httpx.AsyncClient, one: str, app_keys: AppKeys, identities: Identities
) -> None:
    other = await anyio.to_thread.run_sync(identities.create, "other")
    _, secret = await app_keys.create("other", other.node_id)
    client.headers["Authorization"] = f"Bearer {secret}"
    for path in ("state", "usage", "agreement", "exec/unknown"):
        assert (await client.get(f"{one}/{path}")).status_code == 403
    assert (await client.post(f"{one}/exec", json={"text": '[{"deploy": {}}]'})).status_code == 403
    assert (await client.delete(one)).status_code == 403


async def test_an_ended_activity_takes_no_batch(client: httpx.AsyncClient, one: str) -> None:
    await client.delete(one)
    response = await client.post(f"{one}/exec", json={"text": '[{"deploy": {}}]'})
    assert response.status_code == 410
