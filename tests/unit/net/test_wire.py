import msgspec
import pytest

from golem_vpn.errors import GolemVpnError, NotFound, PeerRefused
from golem_vpn.net.document import SignedDocument
from golem_vpn.net.messages import UpdateNetwork
from golem_vpn.net.wire import (
    Refusal,
    answer_of,
    decode_hello,
    decode_reply,
    encode,
    encode_answer,
    encode_refusal,
    reason_of,
)


def test_a_message_carries_its_name() -> None:
    message = UpdateNetwork(SignedDocument(b"", b""))
    assert msgspec.msgpack.decode(encode(message))["type"] == "update-network"
    assert decode_hello(encode(message)) is None


@pytest.mark.parametrize("reply", [b"", b"\xc1", b"\x91\xa6answer", msgspec.msgpack.encode({"answer": 1})])
def test_a_malformed_reply_is_the_other_nodes_fault(reply: bytes) -> None:
    with pytest.raises(PeerRefused, match="malformed"):
        decode_reply(reply)


def test_a_refusal_of_unknown_kind_is_a_refusal() -> None:
    with pytest.raises(PeerRefused, match="some day"):
        answer_of(decode_reply(encode_refusal("new-in-version-9", "some day")), int)


def test_an_error_keeps_its_class() -> None:
    assert reason_of(NotFound("")) == "not-found"
    assert reason_of(GolemVpnError("")) == "failed"
    assert decode_reply(encode_refusal("not-found", "no")) == Refusal("not-found", "no")
    with pytest.raises(NotFound, match="no"):
        answer_of(Refusal("not-found", "no"), int)


def test_an_answer_is_of_the_type_that_was_asked_for() -> None:
    reply = decode_reply(encode_answer(["a", "b"]))
    assert answer_of(reply, list[str]) == ["a", "b"]
    with pytest.raises(PeerRefused, match="malformed"):
        answer_of(reply, dict[str, str])
    assert answer_of(decode_reply(encode_answer(None)), type(None)) is None
