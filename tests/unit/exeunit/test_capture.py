import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_vpn.exeunit.capture import OUTPUT_LIMIT, WHOLE, AtEnd, CaptureMode, OutputBuffer, Stream


def buffer(mode: CaptureMode, *writes: bytes) -> OutputBuffer:
    result = OutputBuffer(mode)
    for data in writes:
        result.write(data)
    return result


@pytest.mark.parametrize(
    ("mode", "kept"),
    [
        (WHOLE, b"0123456789"),
        (CaptureMode(stream=Stream()), b"0123456789"),
        (CaptureMode(stream=Stream(limit=4)), b"0123"),
        (CaptureMode(at_end=AtEnd(head=3)), b"012"),
        (CaptureMode(at_end=AtEnd(tail=3)), b"789"),
        (CaptureMode(at_end=AtEnd(head_tail=5)), b"01789"),
        (CaptureMode(at_end=AtEnd(head_tail=50)), b"0123456789"),
        (CaptureMode(at_end=AtEnd(tail=0)), b""),
    ],
)
def test_the_asked_part_is_kept_and_nothing_counts_as_cut(mode: CaptureMode, kept: bytes) -> None:
    result = buffer(mode, b"0123", b"4567", b"89")
    assert result.value == kept
    assert not result.cut


@pytest.mark.parametrize(
    "mode", [WHOLE, CaptureMode(stream=Stream(limit=10**9)), CaptureMode(at_end=AtEnd(head=10**9))]
)
def test_more_than_the_limit_is_cut_at_the_end(mode: CaptureMode) -> None:
    full = buffer(mode, b"a" * OUTPUT_LIMIT)
    assert (len(full.value), full.cut) == (OUTPUT_LIMIT, False)
    full.write(b"b")
    assert full.value == b"a" * OUTPUT_LIMIT
    assert full.cut


def test_a_huge_tail_keeps_the_last_bytes() -> None:
    result = buffer(CaptureMode(at_end=AtEnd(tail=10**9)), *[b"a" * 1000] * 1000, b"end")
    assert len(result.value) == OUTPUT_LIMIT
    assert result.value.endswith(b"aend")
    assert result.cut


def test_the_format_says_what_the_bytes_are() -> None:
    assert not OutputBuffer(WHOLE).binary
    assert OutputBuffer(CaptureMode(at_end=AtEnd(format="bin"))).binary
    assert OutputBuffer(CaptureMode(stream=Stream(format="binary"))).binary


@given(st.lists(st.binary(max_size=20)), st.integers(0, 60), st.integers(0, 60))
def test_how_the_output_is_split_into_writes_does_not_matter(writes: list[bytes], size: int, other: int) -> None:
    whole = b"".join(writes)
    half = size // 2
    tail = buffer(CaptureMode(at_end=AtEnd(head_tail=size)), *writes).value
    assert tail == (whole if len(whole) <= size else whole[:half] + whole[len(whole) - (size - half) :])
    assert buffer(CaptureMode(at_end=AtEnd(head=other)), *writes).value == whole[:other]
    assert buffer(CaptureMode(at_end=AtEnd(tail=other)), *writes).value == whole[max(len(whole) - other, 0) :]
