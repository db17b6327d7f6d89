"""The HTTP of a websocket upgrade (RFC 6455): what is asked for, and the head of the answer."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar
from urllib.parse import unquote

import h11
import msgspec

from golem_vpn.api import prefixes
from golem_vpn.errors import GolemVpnError, InvalidInput, NotFound

ACCEPT_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY_BYTES = 16
MAX_HEAD_BYTES = 64 * 1024
MAX_PORT_DIGITS = 5
VERSION = b"13"


class WrongVersion(GolemVpnError):
    """The client speaks another version of the websocket protocol than 13."""

    status: ClassVar[HTTPStatus] = HTTPStatus.UPGRADE_REQUIRED


@dataclass(frozen=True)
class TcpDestination:
    """A port of a member."""

    network_id: str
    ip: str
    port: int


@dataclass(frozen=True)
class RawDestination:
    """Two addresses of a network, for Ethernet frames between them."""

    network_id: str
    source: str
    destination: str


Destination = TcpDestination | RawDestination


@dataclass(frozen=True)
class Target:
    """What an upgrade request names."""

    path: str
    query: bytes

    @classmethod
    def parse(cls, target: bytes) -> "Target":
        """Reads the target of a request line."""
        path, _, query = target.partition(b"?")
        return cls(path.decode("latin-1"), query)

    def destination(self) -> Destination:
        """Gives where the path's gate leads.

        Raises:
            NotFound: it is no gate's path.
            InvalidInput: the port is none.
        """
        for prefix in prefixes.NET:
            if self.path.startswith(f"{prefix}/net/"):
                segments = self.path.removeprefix(f"{prefix}/net/").split("/")
                match segments[1:]:
                    case ["tcp", ip, port]:
                        return TcpDestination(unquote(segments[0]), unquote(ip), _parse_port(unquote(port)))
                    case ["raw", "from", source, "to", destination]:
                        return RawDestination(unquote(segments[0]), unquote(source), unquote(destination))
                    case _:
                        break
        raise NotFound("There is no websocket at this path")


def check(request: h11.Request) -> None:
    """Sees to it that the request is a websocket upgrade that can be answered.

    Raises:
        InvalidInput: it is none.
        WrongVersion: it is one of another version.
    """
    headers = dict(request.headers)
    if request.method != b"GET" or request.http_version != b"1.1":
        raise InvalidInput("A websocket upgrade is a GET request of HTTP/1.1")
    if headers.get(b"sec-websocket-version") != VERSION:
        raise WrongVersion(f"Sec-WebSocket-Version must be {VERSION.decode()}")
    try:
        key = base64.b64decode(headers.get(b"sec-websocket-key", b""), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise InvalidInput(f"Sec-WebSocket-Key must be {KEY_BYTES} bytes in base64")


def acceptance(request: h11.Request, subprotocol: bytes | None = None) -> bytes:
    """Writes the head of the answer that begins the websocket, without extensions."""
    key = dict(request.headers)[b"sec-websocket-key"]
    accept = base64.b64encode(hashlib.sha1(key + ACCEPT_SUFFIX, usedforsecurity=False).digest())
    lines = (
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + accept,
        *([] if subprotocol is None else [b"Sec-WebSocket-Protocol: " + subprotocol]),
        b"\r\n",
    )
    return b"\r\n".join(lines)


def refusal(error: GolemVpnError) -> bytes:
    """Writes the whole answer to an upgrade that was not to be."""
    body = msgspec.json.encode({"message": error.message})
    lines = [
        f"HTTP/1.1 {error.status.value} {error.status.phrase}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    if isinstance(error, WrongVersion):
        lines += [f"Sec-WebSocket-Version: {VERSION.decode()}", "Upgrade: websocket"]
    return "\r\n".join([*lines, "\r\n"]).encode() + body


def malformed(error: h11.RemoteProtocolError) -> InvalidInput:
    """Names what is wrong with a request that is no HTTP."""
    return InvalidInput(f"Request error: {error}")


def _parse_port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > MAX_PORT_DIGITS:
        raise InvalidInput(f'can not parse "{text[:20]}" to a port')
    return int(text)
