from datetime import UTC, datetime, timedelta

import httpx
import pytest

from golem_vpn.api.dependencies import Services
from golem_vpn.net.identity import Identities
from tests.unit.api.kit import PEER, PROVIDER, RELAY, SILENT_PEER

pytestmark = pytest.mark.anyio

KEYS = "/golem-vpn/v1/app-keys"


async def test_a_key_is_shown_once(client: httpx.AsyncClient, identities: Identities) -> None:
    made = (await client.post(KEYS, json={"name": "web", "allowOrigins": ["https://app.example"]})).json()
    assert len(bytes.fromhex(made["key"])) == 32
    assert made["identity"] == identities.default.node_id
    listed = (await client.get(KEYS)).json()
    assert [key["name"] for key in listed] == ["default", "web"]
    assert listed[1] == {name: value for name, value in made.items() if name != "key"}
    client.headers["Authorization"] = f"Bearer {made['key']}"
    assert (await client.get("/me")).json()["name"] == "web"


async def test_a_removed_key_stops_at_once(client: httpx.AsyncClient) -> None:
    made = (await client.post(KEYS, json={"name": "brief"})).json()
    assert (await client.delete(f"{KEYS}/brief")).text == "null"
    assert (await client.delete(f"{KEYS}/brief")).status_code == 404
    assert (await client.get("/me", headers={"Authorization": f"Bearer {made['key']}"})).status_code == 401


async def test_bad_keys_are_refused(client: httpx.AsyncClient) -> None:
    assert (await client.post(KEYS, json={"name": "default"})).status_code == 409
    for name in ("", " ", "x" * 65, "a\nb", "a/b"):
        assert (await client.post(KEYS, json={"name": name})).status_code == 400
    for body in ({}, {"name": "x", "identity": "me"}):
        assert (await client.post(KEYS, json=body)).status_code == 400
    assert (await client.post(KEYS, json={"name": "x", "identity": PROVIDER})).status_code == 400


async def test_several_identities(client: httpx.AsyncClient, identities: Identities) -> None:
    made = (await client.post("/golem-vpn/v1/identities", json={"name": "second"})).json()
    assert made["isDefault"] is False
    listed = (await client.get("/golem-vpn/v1/identities")).json()
    assert listed == [{"nodeId": identities.default.node_id, "name": "default", "isDefault": True}, made]
    assert (await client.post("/golem-vpn/v1/identities", json={"name": "second"})).status_code == 409
    assert (await client.post("/golem-vpn/v1/identities", json={"name": "../x"})).status_code == 400
    key = (await client.post(KEYS, json={"name": "of-second", "identity": made["nodeId"].upper()[2:]})).status_code
    assert key == 400
    key = (await client.post(KEYS, json={"name": "of-second", "identity": made["nodeId"]})).json()
    assert key["identity"] == made["nodeId"]


async def test_the_hubs_nodes(client: httpx.AsyncClient) -> None:
    assert (await client.get("/golem-vpn/v1/nodes")).json() == [
        {
            "nodeId": PROVIDER,
            "name": "provider-1",
            "roles": ["provider"],
            "online": True,
            "lastSeen": "2026-11-22T12:00:00Z",
        }
    ]


async def test_peers_have_names(client: httpx.AsyncClient) -> None:
    known, silent = (await client.get("/golem-vpn/v1/peers")).json()
    since, next_try = (datetime.fromisoformat(known["path"].pop(date)) for date in ("since", "nextTry"))
    assert next_try - since == timedelta(seconds=120)
    assert abs((datetime.now(UTC) - since).total_seconds() - 90) < 10
    path = {name: value for name, value in PEER["path"].items() if name not in ("since", "nextTry")}
    assert known == {**PEER, "path": path, "name": "provider-1", "online": True}
    assert list(known) == [
        "nodeId", "name", "path", "candidates", "bytesIn", "bytesOut", "packetsIn", "packetsOut", "online",
        "silentFor", "networks",
    ]  # fmt: skip
    assert (silent["nodeId"], silent["name"], silent["online"], silent["bytesIn"]) == (SILENT_PEER, "", False, 0)
    assert silent["path"] == {
        "kind": "none", "address": None, "relay": None, "since": None, "rttMs": None, "lossPercent": None,
        "mtu": None, "reason": "no path has been tried yet", "nextTry": None,
    }  # fmt: skip


async def test_relays(client: httpx.AsyncClient) -> None:
    connected, failed = (await client.get("/golem-vpn/v1/relays")).json()
    assert connected == {
        "url": RELAY, "nodeId": PROVIDER, "own": False, "state": "connected", "rttMs": 20.5, "failure": None,
    }  # fmt: skip
    assert (failed["state"], failed["rttMs"], failed["failure"]) == ("failed", None, "refused")


async def test_the_status_is_the_data_planes(client: httpx.AsyncClient, services: Services) -> None:
    assert (await client.get("/golem-vpn/v1/status")).json() == await services.node.snapshot()
