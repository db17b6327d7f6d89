"""The bytes of what an application is asked about its file, and of what it answers: FlexBuffers."""

import struct
from typing import Any

import msgspec
from flatbuffers import flexbuffers

from golem_vpn.errors import InvalidInput


class Reply(msgspec.Struct, frozen=True):
    """An application's answer, as far as it matters."""

    request_id: str
    size: int | None = None
    """Of a file that was asked about."""
    content: bytes | None = None
    """Of a part of a file."""


def encode_request(request_id: str, component: str, payload: dict[str, Any]) -> bytes:
    """Writes a request."""
    return bytes(flexbuffers.Dumps({"id": request_id, "component": component, "payload": payload}))


def decode_reply(data: bytes) -> Reply:
    """Reads an answer; nothing of it but the known fields is looked at.

    Raises:
        InvalidInput: it is none.
    """
    try:
        message = flexbuffers.GetRoot(data).AsMap
        payload = message["payload"]
        size, content = (_field(payload, name) for name in ("fileSize", "content"))
        return Reply(
            message["id"].AsString,
            None if size is None else _number(size),
            None if content is None else bytes(content.AsBlob),
        )
    # Wrong bytes show in many ways, and none of them is more than that.
    except (TypeError, ValueError, LookupError, ArithmeticError, AssertionError, struct.error) as error:
        raise InvalidInput(f"expected a FlexBuffers map with id and payload: {error}") from None


def _number(value: Any) -> int:
    """Reads a whole number, which Javascript writes as a fraction where it is large."""
    if not value.IsNumeric:
        raise TypeError("fileSize is no number")
    return int(value.AsFloat if value.IsFloat else value.AsInt)


def _field(payload: Any, name: str) -> Any:
    try:
        return payload.AsMap[name] if payload.IsMap else None
    except KeyError:
        return None
