"""What every request passes before it is routed: authentication, and the headers that browsers ask for.

Authentication comes before routing, so that who has no key does not even learn which paths there are.
"""

from collections.abc import Collection, Mapping

import msgspec
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

from golem_vpn.api.app_keys import AppKeys
from golem_vpn.api.credentials import authenticate, presented_key
from golem_vpn.errors import Unauthorized

OPEN_PATHS = ("/version/get", "/metrics-api", "/metrics", "/openapi.json", "/docs", "/v1/image")
"""What anyone may read, with all below it."""
PREFLIGHT_SECONDS = 3600


class Authentication:
    """Lets requests with a valid application key pass, and notes whose they are in `scope["auth"]`."""

    def __init__(self, app: ASGIApp, app_keys: AppKeys) -> None:
        self._app = app
        self._app_keys = app_keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and not _is_open(scope["path"]):
            try:
                scope["auth"] = authenticate(self._app_keys, scope["headers"], scope["query_string"])
            except Unauthorized as error:
                await _refuse(error, send)
                return
        await self._app(scope, receive, send)


class AllowedMethods:
    """Lets OPTIONS name all methods of a path, of which the framework names some only where each has its handler."""

    def __init__(self, app: ASGIApp, methods: Mapping[str, Collection[str]]) -> None:
        self._app = app
        self._allow = {path: ", ".join(sorted(names)) for path, names in methods.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != "OPTIONS":
            await self._app(scope, receive, send)
            return

        async def send_with_all(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                if "Allow" in headers:
                    headers["Allow"] = self._allow[scope["path_template"]]
            await send(message)

        await self._app(scope, receive, send_with_all)


class CrossOrigin:
    """Tells browsers which pages may call: those whose origin the daemon or the caller's key lists."""

    def __init__(self, app: ASGIApp, app_keys: AppKeys, allow_origins: tuple[str, ...]) -> None:
        self._app = app
        self._app_keys = app_keys
        self._allow_origins = allow_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        preflight = scope["method"] == "OPTIONS" and b"access-control-request-method" in headers
        if not origin or not self._allows(origin, scope, preflight=preflight):
            await self._app(scope, receive, send)
        elif preflight:
            await _answer_preflight(origin, headers, send)
        else:
            await self._app(scope, receive, _with_origin(origin, send))

    def _allows(self, origin: str, scope: Scope, *, preflight: bool) -> bool:
        if _lists(self._allow_origins, origin):
            return True
        if preflight:
            # A browser asks first without the key, so any key's list counts.
            return self._app_keys.allow_origin(origin)
        secret = presented_key(scope["headers"], scope["query_string"])
        key = None if secret is None else self._app_keys.find(secret)
        return key is not None and _lists(key.allow_origins, origin)


def _is_open(path: str) -> bool:
    return any(path == open_path or path.startswith(open_path + "/") for open_path in OPEN_PATHS)


def _lists(origins: tuple[str, ...], origin: str) -> bool:
    return "*" in origins or origin in origins


def _with_origin(origin: str, send: Send) -> Send:
    async def send_with_origin(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableScopeHeaders.from_message(message)
            headers["Access-Control-Allow-Origin"] = origin
            headers.extend_header_value("Vary", "Origin")
        await send(message)

    return send_with_origin


async def _answer_preflight(origin: str, headers: dict[bytes, bytes], send: Send) -> None:
    answer = [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-methods", headers[b"access-control-request-method"]),
        (b"access-control-max-age", str(PREFLIGHT_SECONDS).encode()),
        (b"vary", b"Origin"),
    ]
    if b"access-control-request-headers" in headers:
        answer.append((b"access-control-allow-headers", headers[b"access-control-request-headers"]))
    await _send(204, answer, b"", send)


async def _refuse(error: Unauthorized, send: Send) -> None:
    body = msgspec.json.encode({"message": error.message})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"www-authenticate", b"Bearer"),
    ]
    await _send(error.status, headers, body, send)


async def _send(status: int, headers: list[tuple[bytes, bytes]], body: bytes, send: Send) -> None:
    start: HTTPResponseStartEvent = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": False})
