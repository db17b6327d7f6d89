import httpx
import pytest

from golem_vpn.net.identity import Identities

pytestmark = pytest.mark.anyio


async def test_me_is_the_keys_identity(client: httpx.AsyncClient, identities: Identities) -> None:
    response = await client.get("/me")
    assert response.json() == {"identity": identities.default.node_id, "name": "default", "role": "manager"}


async def test_the_version_is_one_that_sdks_accept(stranger: httpx.AsyncClient) -> None:
    response = await stranger.get("/version/get")
    assert response.status_code == 200
    answer = response.json()
    assert answer["pending"] is None
    assert set(answer["current"]) == {"version", "name", "seen", "releaseTs", "insertionTs", "updateTs"}
    assert tuple(map(int, answer["current"]["version"].split("."))) >= (0, 15, 2)
    assert answer["current"]["name"] == "golem-vpn 0.1.0"


async def test_the_net_status(client: httpx.AsyncClient, identities: Identities) -> None:
    response = await client.get("/net-api/v2/net/status")
    assert response.json() == {
        "nodeId": identities.default.node_id,
        "listenIp": "192.0.2.7:11500",
        "publicIp": None,
        "sessions": 1,
    }
