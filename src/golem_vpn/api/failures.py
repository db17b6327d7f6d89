"""How errors are answered: always `{"message": …}`, with the status that the error's class carries."""

from typing import Any

import msgspec
import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException
from litestar.openapi import ResponseSpec
from litestar.types import ExceptionHandlersMap

from golem_vpn.errors import GolemVpnError, InvalidInput

log = structlog.get_logger()

_DESCRIPTIONS = {
    400: "The request is malformed; nothing was changed",
    401: "The application key is missing or unknown",
    403: "The object belongs to another identity, or does not exist",
    404: "There is no such object",
    408: "Nothing happened in time; ask again",
    409: "The request contradicts the present state; nothing was changed",
    410: "The object has ended",
    426: "The upgrade is to another version of the websocket protocol than 13",
    502: "The other node cannot be reached, or refused",
    503: "This cannot be done here at the moment",
    504: "Nothing answered in time",
}


class ErrorMessage(msgspec.Struct, frozen=True):
    """What went wrong, in words."""

    message: str


def raises(*statuses: int) -> dict[int, ResponseSpec]:
    """Documents the errors of a route; every route may answer 401."""
    return {
        status: ResponseSpec(ErrorMessage, generate_examples=False, description=_DESCRIPTIONS[status])
        for status in (401, *statuses)
    }


def answers(kind: Any) -> dict[int, ResponseSpec]:
    """Documents the answer of a route that writes it without a type of the framework's."""
    return {200: ResponseSpec(kind, generate_examples=False, description="Request fulfilled, document follows")}


async def json_body(connection: Any, _handler: Any) -> None:
    """Guards a route that needs a JSON body; a function that is not `async` would be called in a thread.

    Raises:
        InvalidInput: the body is missing, or said to be something else.
    """
    content_type = connection.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json" or connection.headers.get("content-length") == "0":
        raise InvalidInput("Content type error: expected a JSON body with Content-Type: application/json")


def _answer_known(_request: Request[Any, Any, Any], error: GolemVpnError) -> Response[ErrorMessage]:
    if error.status >= 500:
        log.warning("request failed", error=type(error).__name__, message=error.message)
    return _answer(error.status, error.message)


def _answer_http(_request: Request[Any, Any, Any], error: HTTPException) -> Response[ErrorMessage]:
    details = [
        f"{entry['key']}: {entry['message']}"
        for entry in (error.extra if isinstance(error.extra, list) else ())
        if isinstance(entry, dict) and "key" in entry
    ]
    return _answer(error.status_code, "; ".join(details) or error.detail, error.headers)


def _answer_undecodable(_request: Request[Any, Any, Any], _error: UnicodeDecodeError) -> Response[ErrorMessage]:
    return _answer(400, "The body is no UTF-8 text")


def _answer_too_deep(_request: Request[Any, Any, Any], _error: RecursionError) -> Response[ErrorMessage]:
    return _answer(400, "The body is nested too deeply")


def _answer_unknown(request: Request[Any, Any, Any], error: Exception) -> Response[ErrorMessage]:
    log.error("request failed unexpectedly", method=request.method, path=request.url.path, exc_info=error)
    return _answer(500, "Internal error: see the daemon's log")


def _answer(status: int, message: str, headers: dict[str, str] | None = None) -> Response[ErrorMessage]:
    return Response(ErrorMessage(message), status_code=status, headers=headers, media_type=MediaType.JSON)


HANDLERS: ExceptionHandlersMap = {
    GolemVpnError: _answer_known,
    HTTPException: _answer_http,
    UnicodeDecodeError: _answer_undecodable,
    RecursionError: _answer_too_deep,
    Exception: _answer_unknown,
}
