"""The words of `gftp server`: JSON-RPC 2.0, one object on each line."""

from enum import IntEnum
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
Id = int | float | str | None


class Code(IntEnum):
    """What is wrong with a request, in the numbers of JSON-RPC."""

    NO_JSON = -32700
    NO_REQUEST = -32600
    NO_METHOD = -32601
    WRONG_PARAMETERS = -32602
    FAILED = -32000


class RpcError(Exception):
    """The request is not fulfilled."""

    def __init__(self, code: Code, message: str, request_id: Id = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.request_id = request_id


class Request(msgspec.Struct, frozen=True):
    """What a line asks for."""

    method: str
    params: dict[str, Any] = {}
    id: Id | msgspec.UnsetType = msgspec.UNSET
    """Missing where no answer is wanted."""
    jsonrpc: str = "2.0"


def parse(line: bytes) -> Request:
    """Reads a request.

    Raises:
        RpcError: the line holds none.
    """
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RpcError(Code.NO_JSON, f"expected one JSON object on the line: {error}") from None
    try:
        return msgspec.convert(value, Request)
    except msgspec.ValidationError as error:
        request_id = value.get("id") if isinstance(value, dict) else None
        known = request_id if isinstance(request_id, int | float | str) else None
        raise RpcError(Code.NO_REQUEST, f"expected a JSON-RPC request with named parameters: {error}", known) from None


def parameters(request: Request, kind: type[T]) -> T:
    """Reads the parameters of a request; those that are not known are ignored.

    Raises:
        RpcError: one is missing or of another type.
    """
    try:
        return msgspec.convert(request.params, kind)
    except msgspec.ValidationError as error:
        raise RpcError(Code.WRONG_PARAMETERS, f"{request.method}: {error}") from None


def result(request_id: Id, value: object) -> bytes:
    """Writes the line that fulfils a request."""
    return msgspec.json.encode({"jsonrpc": "2.0", "result": value, "id": request_id}) + b"\n"


def refusal(request_id: Id, code: Code, message: str) -> bytes:
    """Writes the line that refuses a request."""
    error = {"code": int(code), "message": message}
    return msgspec.json.encode({"jsonrpc": "2.0", "error": error, "id": request_id}) + b"\n"
