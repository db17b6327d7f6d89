"""How control messages look as bytes: msgpack of tagged structs, answered by an answer or a refusal."""

import re
from typing import TypeVar

import msgspec

from golem_vpn import errors
from golem_vpn.net.codec import Malformed, Reader
from golem_vpn.net.record import SignedRecord

T = TypeVar("T")


def _kebab(class_name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", class_name).lower()


class Message(msgspec.Struct, frozen=True, tag_field="type", tag=_kebab):
    """A request to another node; the class name, in kebab-case, is its tag."""


class Hello(Message, frozen=True):
    """Opens a connection: says who the endpoint's node is, and asks the same of the other."""

    record: SignedRecord


class Welcome(msgspec.Struct, frozen=True):
    """Answers a hello."""

    record: SignedRecord


class Answer(msgspec.Struct, frozen=True, array_like=True, tag="answer"):
    """What the request asked for, itself encoded."""

    body: msgspec.Raw


class Refusal(msgspec.Struct, frozen=True, array_like=True, tag="refusal"):
    """Why the request was not fulfilled."""

    reason: str
    message: str


HELLO_FIRST = "hello-first"
"""The reason of refusal that a hello cures."""
BUSY = "busy"
FAILED = "failed"

_REASONS: dict[str, type[errors.GolemVpnError]] = {
    "invalid": errors.InvalidInput,
    "forbidden": errors.Forbidden,
    "not-found": errors.NotFound,
    "gone": errors.Gone,
    "conflict": errors.Conflict,
    "runtime-unavailable": errors.RuntimeUnavailable,
}
_replies: Reader[Answer | Refusal] = Reader(Answer | Refusal)  # type: ignore[arg-type]
_hellos = Reader(Hello)


def encode(message: object) -> bytes:
    """Gives the bytes of a request."""
    return msgspec.msgpack.encode(message)


def encode_answer(answer: object) -> bytes:
    """Gives the bytes of an answer."""
    return msgspec.msgpack.encode(Answer(msgspec.Raw(msgspec.msgpack.encode(answer))))


def encode_refusal(reason: str, message: str) -> bytes:
    """Gives the bytes of a refusal."""
    return msgspec.msgpack.encode(Refusal(reason, message))


def reason_of(error: errors.GolemVpnError) -> str:
    """Names an error's class where the other side may know it."""
    return next((reason for reason, kind in _REASONS.items() if isinstance(error, kind)), FAILED)


def decode_hello(request: bytes) -> Hello | None:
    """Reads a hello; any other message is none."""
    try:
        return _hellos.read(request)
    except Malformed:
        return None


def decode_reply(reply: bytes) -> Answer | Refusal:
    """Reads what came back for a request.

    Raises:
        PeerRefused: it is neither an answer nor a refusal.
    """
    try:
        return _replies.read(reply)
    except Malformed as error:
        raise errors.PeerRefused(f"the other node's reply is malformed: {error}") from None


def answer_of(reply: Answer | Refusal, answer_type: type[T]) -> T:
    """Reads the answer in a reply, and raises the error in a refusal.

    Raises:
        PeerRefused: the answer is of another type, or the refusal of a kind that is not known here.
        GolemVpnError: the refusal's own class.
    """
    if isinstance(reply, Refusal):
        raise _REASONS.get(reply.reason, errors.PeerRefused)(reply.message)
    try:
        return Reader(answer_type).read(reply.body)
    except Malformed as error:
        raise errors.PeerRefused(f"the other node's answer is malformed: {error}") from None
