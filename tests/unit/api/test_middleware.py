import httpx
import pytest

from golem_vpn.api.app_keys import AppKeys
from golem_vpn.net.identity import Identities

pytestmark = pytest.mark.anyio


@pytest.fixture
async def secret(app_keys: AppKeys, identities: Identities) -> str:
    _, secret = await app_keys.create("web", identities.default.node_id, ["https://key.example"])
    return secret


@pytest.mark.parametrize(
    ("header", "query", "status", "message"),
    [
        ("Bearer {key}", None, 200, None),
        (None, "{key}", 200, None),
        ("Basic {key}", "{key}", 200, None),
        ("bearer {key}", "{key}", 200, None),
        (None, None, 401, "Missing application key"),
        ("", None, 401, "Missing application key"),
        ("bearer {key}", None, 401, "Missing application key"),
        ("Basic {key}", None, 401, "Missing application key"),
        ("{key}", None, 401, "Missing application key"),
        (None, "", 401, "Missing application key"),
        ("Bearer wrong", None, 401, "Invalid application key"),
        ("Bearer wrong", "{key}", 401, "Invalid application key"),
        ("Bearer ", "{key}", 401, "Invalid application key"),
        (None, "wrong", 401, "Invalid application key"),
    ],
)
async def test_who_gets_in(
    stranger: httpx.AsyncClient, secret: str, header: str | None, query: str | None, status: int, message: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header.format(key=secret)}
    params = {} if query is None else {"authToken": query.format(key=secret)}
    response = await stranger.get("/me", headers=headers, params=params)
    assert response.status_code == status
    assert message is None or response.json() == {"message": message}


async def test_bytes_that_are_no_text_are_an_invalid_key(stranger: httpx.AsyncClient) -> None:
    response = await stranger.get("/me", headers={b"Authorization": b"Bearer \xff\xfe"})
    assert response.status_code == 401
    assert (await stranger.get("/me?authToken=%ff%fe")).status_code == 401


async def test_strangers_do_not_learn_which_paths_there_are(stranger: httpx.AsyncClient) -> None:
    for path in ("/nothing", "/net-api/v1/net", "/metricsx", "/version/getx", "/docs.html"):
        assert (await stranger.get(path)).status_code == 401
    assert (await stranger.put("/net-api/v1/net")).status_code == 401


@pytest.mark.parametrize(
    ("origin", "with_key", "allowed"),
    [
        ("https://global.example", True, True),
        ("https://global.example", False, True),
        ("https://key.example", True, True),
        ("https://key.example", False, False),
        ("https://other.example", True, False),
        ("http://key.example", True, False),
    ],
)
async def test_browsers_hear_which_pages_may_read(
    stranger: httpx.AsyncClient, secret: str, origin: str, with_key: bool, allowed: bool
) -> None:
    headers = {"Origin": origin} | ({"Authorization": f"Bearer {secret}"} if with_key else {})
    response = await stranger.get("/me", headers=headers)
    assert response.status_code == (200 if with_key else 401)
    assert response.headers.get("access-control-allow-origin") == (origin if allowed else None)
    assert ("Origin" in response.headers.get("vary", "")) is allowed


async def test_errors_have_the_headers_too(stranger: httpx.AsyncClient, secret: str) -> None:
    headers = {"Origin": "https://key.example", "Authorization": f"Bearer {secret}"}
    response = await stranger.get("/net-api/v1/net/unknown", headers=headers)
    assert response.status_code == 404
    assert response.headers["access-control-allow-origin"] == "https://key.example"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("https://global.example", True), ("https://key.example", True), ("https://other.example", False)],
)
@pytest.mark.usefixtures("secret")
async def test_a_preflight_needs_no_key(stranger: httpx.AsyncClient, origin: str, allowed: bool) -> None:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    response = await stranger.options("/net-api/v1/net", headers=headers)
    assert (response.status_code == 204) is allowed
    assert response.headers.get("access-control-allow-origin") == (origin if allowed else None)
    if allowed:
        assert response.headers["access-control-allow-methods"] == "POST"
        assert response.headers["access-control-allow-headers"] == "authorization,content-type"
        assert response.headers["access-control-max-age"] == "3600"


async def test_a_star_allows_any_page(stranger: httpx.AsyncClient, app_keys: AppKeys, identities: Identities) -> None:
    _, secret = await app_keys.create("any", identities.default.node_id, ["*"])
    headers = {"Origin": "null", "Authorization": f"Bearer {secret}"}
    assert (await stranger.get("/me", headers=headers)).headers["access-control-allow-origin"] == "null"
