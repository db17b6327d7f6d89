"""Requests to a daemon: JSON both ways, and its errors as the classes that it raised them from."""

import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from golem_vpn.errors import (
    Conflict,
    ConnectionTimeout,
    Forbidden,
    GolemVpnError,
    Gone,
    InvalidInput,
    NotFound,
    NotYet,
    Overloaded,
    PeerUnreachable,
    Unauthorized,
)

TIMEOUT_SECONDS = 30.0
UPLOAD_TIMEOUT_SECONDS = 300.0
"""The longest pause in an upload: at its end the daemon writes all to the disk."""
T = TypeVar("T")

_ERRORS: dict[int, type[GolemVpnError]] = {
    HTTPStatus.BAD_REQUEST: InvalidInput,
    HTTPStatus.UNAUTHORIZED: Unauthorized,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.REQUEST_TIMEOUT: NotYet,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.GONE: Gone,
    HTTPStatus.BAD_GATEWAY: PeerUnreachable,
    HTTPStatus.SERVICE_UNAVAILABLE: Overloaded,
    HTTPStatus.GATEWAY_TIMEOUT: ConnectionTimeout,
}


class DaemonUnreachable(NotFound):
    """No daemon answers there. `golem-vpn daemon` starts one."""


class UnexpectedAnswer(GolemVpnError):
    """Is it a daemon that answers there, and of the same version as this program?"""


class Connection:
    """Talks to one daemon with one application key."""

    def __init__(self, url: str, app_key: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self.app_key = app_key
        self._http = httpx.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {app_key}"},
            timeout=TIMEOUT_SECONDS,
            transport=transport,
            # The daemon is near; a proxy of the environment is for the rest of the world.
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._http.__aexit__(kind, error, traceback)

    async def ask(
        self, answer_type: type[T], method: str, path: str, body: object = msgspec.UNSET, **query: float | str
    ) -> T:
        """Sends a request and reads the answer.

        Raises:
            DaemonUnreachable: no daemon answers.
            UnexpectedAnswer: something answers, but not as this version's daemon does.
            GolemVpnError: the daemon refused; of the class that fits the status, with the daemon's message.
        """
        content = None if body is msgspec.UNSET else msgspec.json.encode(body)
        headers = {} if content is None else {"Content-Type": "application/json"}
        timeout = TIMEOUT_SECONDS + float(query.get("timeout", 0))
        return await self._exchange(answer_type, method, path, content, headers, query, timeout)

    async def upload(self, answer_type: type[T], path: str, content: AsyncIterator[bytes], **query: float | str) -> T:
        """Sends bytes as they come and reads the answer; raises what `ask` does."""
        headers = {"Content-Type": "application/octet-stream"}
        return await self._exchange(answer_type, "POST", path, content, headers, query, UPLOAD_TIMEOUT_SECONDS)

    async def _exchange(
        self,
        answer_type: type[T],
        method: str,
        path: str,
        content: bytes | AsyncIterator[bytes] | None,
        headers: dict[str, str],
        query: dict[str, float | str],
        timeout: float,
    ) -> T:
        try:
            response = await self._http.request(
                method, path, content=content, headers=headers, params=query, timeout=timeout
            )
        except httpx.TransportError as error:
            raise DaemonUnreachable(f"No daemon answers at {self.url}: {str(error) or type(error).__name__}") from error
        if not response.is_success:
            raise _error(response)
        try:
            return msgspec.json.decode(response.content or b"null", type=answer_type)
        except msgspec.DecodeError as error:
            raise UnexpectedAnswer(f"{method} {path} at {self.url}: {error}") from error


def path_of(prefix: str, *segments: str) -> str:
    """Puts segments, whatever characters they hold, after a prefix.

    Raises:
        InvalidInput: one is empty, which would be the path of something else.
    """
    if not all(segments):
        raise InvalidInput("an id or a name is empty")
    return prefix + "".join("/" + quote(segment, safe=":") for segment in segments)


def _error(response: httpx.Response) -> GolemVpnError:
    kind = _ERRORS.get(response.status_code, GolemVpnError)
    return kind(_message(response) or f"HTTP {response.status_code}")


def _message(response: httpx.Response) -> str:
    try:
        body: Any = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return response.text
    return str(body["message"]) if isinstance(body, dict) and "message" in body else response.text
