import contextlib

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_vpn.api import upgrade
from golem_vpn.api.upgrade import Destination, RawDestination, TcpDestination
from golem_vpn.errors import InvalidInput, NotFound

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


def request(*, method: bytes = b"GET", version: bytes = b"1.1", **headers: bytes | None) -> h11.Request:
    given = {"host": b"daemon", "sec_websocket_version": b"13", "sec_websocket_key": KEY, **headers}
    named = [(name.replace("_", "-").encode(), value) for name, value in given.items() if value is not None]
    return h11.Request(method=method, target=b"/", headers=named, http_version=version)


@pytest.mark.parametrize("prefix", ["/net-api/v1", "/net-api/v2/vpn"])
@pytest.mark.parametrize(
    ("path", "destination"),
    [
        ("/net/abc/tcp/10.0.0.2/80", TcpDestination("abc", "10.0.0.2", 80)),
        ("/net/abc/tcp/fd00::2/65535", TcpDestination("abc", "fd00::2", 65535)),
        ("/net/abc/tcp/fd00%3A%3A2/1", TcpDestination("abc", "fd00::2", 1)),
        ("/net/abc/raw/from/10.0.0.1/to/10.0.0.2", RawDestination("abc", "10.0.0.1", "10.0.0.2")),
        ("/net/abc/raw/from/fd00::1/to/fd00%3A%3A2", RawDestination("abc", "fd00::1", "fd00::2")),
    ],
)
def test_a_gates_path_names_a_destination(prefix: str, path: str, destination: Destination) -> None:
    target = upgrade.Target.parse(f"{prefix}{path}?authToken=x".encode())
    assert target.query == b"authToken=x"
    assert target.destination() == destination


@pytest.mark.parametrize(
    "path",
    ["/", "/me", "/net-api/v1/net/a/tcp/10.0.0.2", "/net-api/v1/net/a/tcp/10.0.0.2/80/", "/net-api/v3/net/a/tcp/b/80",
     "/net-api/v1/net/a/raw/from/10.0.0.1/to", "/net-api/v1/net/a/raw/to/10.0.0.1/from/10.0.0.2",
     "/net-api/v1/net/a/udp/10.0.0.2/80", "x/net-api/v1/net/a/tcp/10.0.0.2/80"],
)  # fmt: skip
def test_other_paths_have_no_websocket(path: str) -> None:
    with pytest.raises(NotFound):
        upgrade.Target.parse(path.encode()).destination()


@pytest.mark.parametrize("port", ["", "x", "-1", "+80", "8_0", "٨", "%30x", "100000", "1" * 5000])
def test_what_is_no_port_is_bad_input(port: str) -> None:
    with pytest.raises(InvalidInput):
        upgrade.Target.parse(f"/net-api/v1/net/a/tcp/10.0.0.2/{port}".encode()).destination()


@given(st.binary())
def test_any_target_is_a_destination_or_an_error(target: bytes) -> None:
    for prefix in (b"", b"/net-api/v1/net/", b"/net-api/v1/net/a/tcp/", b"/net-api/v1/net/a/raw/from/"):
        with contextlib.suppress(NotFound, InvalidInput):
            upgrade.Target.parse(prefix + target).destination()


def test_the_answer_proves_that_the_key_was_read() -> None:
    head = upgrade.acceptance(request())
    assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in head
    assert head.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "bad",
    [
        request(method=b"POST"),
        request(version=b"1.0"),
        request(sec_websocket_key=None),
        request(sec_websocket_key=b"short"),
        request(sec_websocket_key=b"!" * 24),
    ],
)
def test_other_requests_are_no_upgrades(bad: h11.Request) -> None:
    with pytest.raises(InvalidInput):
        upgrade.check(bad)


@pytest.mark.parametrize("version", [None, b"8", b"14"])
def test_another_version_is_told_the_right_one(version: bytes | None) -> None:
    with pytest.raises(upgrade.WrongVersion) as refused:
        upgrade.check(request(sec_websocket_version=version))
    response = upgrade.refusal(refused.value)
    assert response.startswith(b"HTTP/1.1 426 ")
    assert b"\r\nSec-WebSocket-Version: 13\r\n" in response


def test_a_good_request_passes() -> None:
    upgrade.check(request())
