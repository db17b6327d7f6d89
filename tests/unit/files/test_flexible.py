from contextlib import suppress

import pytest
from flatbuffers import flexbuffers
from hypothesis import example, given
from hypothesis import strategies as st

from golem_vpn.errors import InvalidInput
from golem_vpn.files.flexible import Reply, decode_reply, encode_request


def test_requests_are_maps() -> None:
    written = encode_request("7", "UploadChunk", {"chunk": {"offset": 5_000_000_000, "content": b"\0x"}})
    message = flexbuffers.Loads(written)
    assert message["id"] == "7"
    assert message["component"] == "UploadChunk"
    assert message["payload"]["chunk"] == {"content": b"\0x", "offset": 5_000_000_000}


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        ({"id": "1", "payload": None}, Reply("1")),
        ({"id": "1", "payload": {"fileSize": 5_000_000_000}}, Reply("1", size=5_000_000_000)),
        ({"id": "1", "payload": {"fileSize": 3e12}}, Reply("1", size=3_000_000_000_000)),
        ({"id": "1", "payload": {"content": b"abc", "offset": 3}}, Reply("1", content=b"abc")),
        ({"id": "1", "payload": {"content": b""}, "more": [1, 2]}, Reply("1", content=b"")),
    ],
)
def test_answers_are_read(message: dict[str, object], reply: Reply) -> None:
    assert decode_reply(bytes(flexbuffers.Dumps(message))) == reply


@pytest.mark.parametrize(
    "message",
    [
        [],
        "text",
        {},
        {"id": "1"},
        {"id": {}, "payload": None},
        {"id": "1", "payload": {"fileSize": {}}},
        {"id": "1", "payload": {"content": [1]}},
    ],
)
def test_what_is_no_answer(message: object) -> None:
    with pytest.raises(InvalidInput):
        decode_reply(bytes(flexbuffers.Dumps(message)))


GOOD = bytes(flexbuffers.Dumps({"id": "1", "payload": {"content": b"abcdef", "offset": 3}}))


@given(st.binary(max_size=64))
@example(b"")
def test_any_bytes_are_an_answer_or_none(data: bytes) -> None:
    with suppress(InvalidInput):
        decode_reply(data)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_a_damaged_answer_is_an_answer_or_none(at: int, value: int) -> None:
    damaged = bytearray(GOOD)
    damaged[at] = value
    with suppress(InvalidInput):
        decode_reply(bytes(damaged))
