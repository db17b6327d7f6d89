import httpx
import pytest

from golem_vpn import errors
from golem_vpn.sdk.connection import Connection, DaemonUnreachable, path_of

pytestmark = pytest.mark.anyio


def answering(status: int, **answer: object) -> Connection:
    transport = httpx.MockTransport(lambda _request: httpx.Response(status, **answer))  # type: ignore[arg-type]
    return Connection("http://daemon/", "key", transport=transport)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.InvalidInput),
        (401, errors.Unauthorized),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (410, errors.Gone),
        (418, errors.GolemVpnError),
        (500, errors.GolemVpnError),
        (502, errors.PeerUnreachable),
        (503, errors.Overloaded),
        (504, errors.ConnectionTimeout),
    ],
)
async def test_a_status_is_an_error_with_the_daemons_words(status: int, kind: type[errors.GolemVpnError]) -> None:
    async with answering(status, json={"message": "the reason"}) as connection:
        with pytest.raises(kind) as refused:
            await connection.ask(str, "GET", "/")
    assert type(refused.value) is kind
    assert refused.value.message == "the reason"


@pytest.mark.parametrize(
    ("answer", "message"), [({"text": "plain words"}, "plain words"), ({"json": []}, "[]"), ({}, "HTTP 403")]
)
async def test_answers_of_others_are_shown_too(answer: dict[str, object], message: str) -> None:
    async with answering(403, **answer) as connection:
        with pytest.raises(errors.Forbidden) as refused:
            await connection.ask(str, "GET", "/")
    assert refused.value.message == message


async def test_no_daemon_is_an_error_of_its_own() -> None:
    async with Connection("http://127.0.0.1:1", "key") as connection:
        with pytest.raises(DaemonUnreachable, match=r"127\.0\.0\.1:1"):
            await connection.ask(str, "GET", "/")


async def test_a_request_names_the_key_and_the_query() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json="ok")

    async with Connection("http://daemon", "key", transport=httpx.MockTransport(answer)) as connection:
        assert await connection.ask(str, "POST", "/path", {"a": 1}, timeout=5.0) == "ok"
    [request] = seen
    assert request.headers["authorization"] == "Bearer key"
    assert request.headers["content-type"] == "application/json"
    assert (request.url.path, request.url.query, request.content) == ("/path", b"timeout=5.0", b'{"a":1}')


def test_segments_cannot_leave_their_place() -> None:
    assert path_of("/net", "a/../b?c", "/x", "fd00::1") == "/net/a%2F..%2Fb%3Fc/%2Fx/fd00::1"
