from typing import Any

import anyio
import httpx
import pytest

from golem_vpn.api.app import MAX_BODY_BYTES
from golem_vpn.api.app_keys import AppKeys
from golem_vpn.net.identity import Identities

pytestmark = pytest.mark.anyio

V1 = "/net-api/v1/net"
V2 = "/net-api/v2/vpn/net"
A = "0x" + "a" * 40
B = "0x" + "b" * 40


async def make(client: httpx.AsyncClient, **body: str) -> dict[str, Any]:
    response = await client.post(V1, json=body or {"ip": "10.0.0.0/24"})
    assert response.status_code == 200
    made: dict[str, Any] = response.json()
    return made


def message_of(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/json"
    [(field, message)] = response.json().items()
    assert field == "message"
    assert isinstance(message, str)
    return message


async def test_a_network_from_beginning_to_end(client: httpx.AsyncClient) -> None:
    made = await make(client, ip="192.168.0.5", mask="255.255.255.0")
    assert made == {"id": made["id"], "ip": "192.168.0.5/24", "mask": "255.255.255.0", "gateway": "192.168.0.1"}
    one = f"{V1}/{made['id']}"
    assert (await client.get(one)).json() == made
    assert (await client.get(V1)).json() == [made]
    assert (await client.get(f"{one}/addresses")).json() == [{"ip": "192.168.0.1/24"}]
    for request in (
        client.post(f"{one}/addresses", json={"ip": "192.168.0.1"}),
        client.post(f"{one}/nodes", json={"id": A, "ip": "192.168.0.2"}),
        client.post(f"{one}/nodes", json={"id": A, "ip": "192.168.0.2"}),
        client.post(f"{one}/nodes", json={"id": B, "ip": "192.168.0.3"}),
        client.delete(f"{one}/nodes/{B}"),
        client.delete(f"{one}/nodes/unknown"),
    ):
        response = await request
        assert (response.status_code, response.text) == (200, "null")
        assert response.headers["content-type"] == "application/json"
    assert (await client.get(f"{one}/nodes")).json() == [{"id": A, "ip": "192.168.0.2"}]
    assert (await client.get(f"{one}/tcp")).json() == []
    response = await client.delete(one)
    assert (response.status_code, response.text) == (200, "null")
    assert (await client.get(V1)).json() == []


async def test_both_prefixes_show_the_same_state(client: httpx.AsyncClient) -> None:
    made = await make(client)
    assert (await client.get(V2)).json() == [made]
    response = await client.post(f"{V2}/{made['id']}/nodes", json={"id": A, "ip": "10.0.0.2"})
    assert response.status_code == 200
    assert (await client.get(f"{V1}/{made['id']}/nodes")).json() == [{"id": A, "ip": "10.0.0.2"}]


@pytest.mark.parametrize("extra", [{}, {"mask": None, "gateway": None}, {"id": "mine", "what": [1, 2]}])
async def test_nulls_and_unknown_fields_are_ignored(client: httpx.AsyncClient, extra: dict[str, Any]) -> None:
    response = await client.post(V1, json={"ip": "10.0.0.0/24", **extra})
    assert response.status_code == 200
    assert response.json()["id"] != "mine"


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({}, "ip"),
        ({"ip": 5}, "ip: Expected `str`"),
        ({"ip": None}, "ip: Expected `str`"),
        ({"ip": "10.0.0.0", "mask": 24}, "mask: Expected `str | null`"),
        ([], "Expected `object`"),
        ("10.0.0.0/24", "Expected `object`"),
        ({"ip": "rubbish"}, "Invalid IP address: invalid IP address syntax"),
        ({"ip": "10.0.0.0/40"}, "Invalid network IP address: 10.0.0.0/40"),
        ({"ip": "10.0.0.0", "mask": "24"}, "Invalid IP address: invalid IPv4 address syntax"),
        ({"ip": "224.0.0.0/24"}, "IP address not allowed"),
    ],
)
async def test_a_bad_network_is_400_and_says_why(client: httpx.AsyncClient, body: Any, part: str) -> None:
    response = await client.post(V1, json=body)
    assert response.status_code == 400
    assert part in message_of(response)
    assert (await client.get(V1)).json() == []


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", None),
        (b"", "application/json"),
        (b'{"ip": "10.0.0.0/24"}', None),
        (b'{"ip": "10.0.0.0/24"}', "text/plain"),
        (b'{"ip": "10.0.0.0/24"', "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"ip=10.0.0.0/24", "application/x-www-form-urlencoded"),
        (b'{"ip": "\xff"}', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"ip": "10.0.0.0/24", "more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "application/json"),
        (b'{"ip": "10.0.0.0/24", "more": 1e999999}', "application/json"),
    ],
)
async def test_what_is_no_json_is_400(client: httpx.AsyncClient, content: bytes, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    response = await client.post(V1, content=content, headers=headers)
    assert response.status_code == 400
    assert message_of(response)


async def test_a_body_has_a_limit(client: httpx.AsyncClient) -> None:
    response = await client.post(V1, json={"ip": "1" * (MAX_BODY_BYTES + 1)})
    assert response.status_code == 413
    assert message_of(response)


async def test_a_content_type_may_name_the_encoding(client: httpx.AsyncClient) -> None:
    response = await client.post(
        V1, content=b'{"ip": "10.0.0.0/24"}', headers={"content-type": "Application/JSON; charset=utf-8"}
    )
    assert response.status_code == 200


async def test_addresses_have_one_holder(client: httpx.AsyncClient) -> None:
    one = f"{V1}/{(await make(client))['id']}"
    await client.post(f"{one}/nodes", json={"id": A, "ip": "10.0.0.2"})
    response = await client.post(f"{one}/nodes", json={"id": B, "ip": "10.0.0.2"})
    assert response.status_code == 409
    assert "10.0.0.2" in message_of(response)
    response = await client.post(f"{one}/addresses", json={"ip": "10.0.0.2"})
    assert response.status_code == 409
    assert (await client.get(f"{one}/nodes")).json() == [{"id": A, "ip": "10.0.0.2"}]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("nodes", {"id": A, "ip": "10.0.1.2"}),
        ("nodes", {"id": A, "ip": "10.0.0.2/24"}),
        ("nodes", {"id": A, "ip": "127.0.0.1"}),
        ("nodes", {"id": "me", "ip": "10.0.0.2"}),
        ("nodes", {"id": A}),
        ("nodes", {"ip": "10.0.0.2"}),
        ("addresses", {"ip": "10.0.1.2"}),
        ("addresses", {"ip": ""}),
        ("addresses", {}),
    ],
)
async def test_bad_addresses_are_400(client: httpx.AsyncClient, path: str, body: dict[str, str]) -> None:
    one = f"{V1}/{(await make(client))['id']}"
    response = await client.post(f"{one}/{path}", json=body)
    assert response.status_code == 400
    assert message_of(response)
    assert (await client.get(f"{one}/nodes")).json() == []


async def test_others_get_404_until_they_have_a_network(
    client: httpx.AsyncClient, app_keys: AppKeys, identities: Identities
) -> None:
    made = await make(client)
    other = await anyio.to_thread.run_sync(identities.create, "other")
    _, secret = await app_keys.create("other", other.node_id)
    client.headers["Authorization"] = f"Bearer {secret}"
    requests = [
        ("GET", ""), ("DELETE", ""), ("GET", "/nodes"), ("GET", "/addresses"), ("GET", "/tcp"),
        ("DELETE", f"/nodes/{A}"), ("GET", "/tcp/10.0.0.2/80"),
        ("GET", "/raw/from/10.0.0.1/to/10.0.0.2"),
    ]  # fmt: skip
    for method, path in requests:
        response = await client.request(method, f"{V1}/{made['id']}{path}")
        assert (response.status_code, message_of(response)) == (404, "Network not found")
    await make(client)
    for network_id in (made["id"], "0" * 32):
        for method, path in requests:
            response = await client.request(method, f"{V1}/{network_id}{path}")
            assert response.status_code == 403
            assert message_of(response)


async def test_two_keys_of_one_identity_share_the_networks(
    client: httpx.AsyncClient, app_keys: AppKeys, identities: Identities
) -> None:
    made = await make(client)
    _, secret = await app_keys.create("second", identities.default.node_id)
    client.headers["Authorization"] = f"Bearer {secret}"
    assert (await client.get(V1)).json() == [made]


@pytest.mark.parametrize("path", ["tcp/10.0.0.2/80", "raw/from/10.0.0.1/to/10.0.0.2"])
async def test_the_gates_want_an_upgrade(client: httpx.AsyncClient, path: str) -> None:
    made = await make(client)
    response = await client.get(f"{V1}/{made['id']}/{path}")
    assert response.status_code == 400
    assert "NoWebsocketUpgrade" in message_of(response)


async def test_unknown_paths_are_404_and_other_methods_405(client: httpx.AsyncClient) -> None:
    response = await client.get("/net-api/v1/nothing")
    assert response.status_code == 404
    assert message_of(response)
    response = await client.put(V1, json={})
    assert response.status_code == 405
    assert {"GET", "POST"} <= {method.strip() for method in response.headers["allow"].split(",")}
    assert message_of(response)
