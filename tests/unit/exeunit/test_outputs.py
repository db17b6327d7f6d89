import pytest

from golem_vpn.exeunit.capture import AtEnd, Capture, CaptureMode
from golem_vpn.exeunit.capture import Stream as StreamMode
from golem_vpn.exeunit.events import Kind, Progress, Written
from golem_vpn.exeunit.outputs import PIECE_BYTES, Outputs
from golem_vpn.exeunit.runtimes.base import Stream
from golem_vpn.exeunit.script import Run


class Heard:
    """Notes what outputs tell."""

    def __init__(self, stdout: CaptureMode | None = None) -> None:
        self.kinds: list[Kind] = []
        self.now = 0.0
        self.outputs = Outputs(Capture(stdout=stdout), self.kinds.append, lambda: self.now)

    @property
    def pieces(self) -> list[bytes]:
        return [kind.output.data for kind in self.kinds if isinstance(kind, Written)]

    @property
    def done(self) -> list[int]:
        return [kind.done for kind in self.kinds if isinstance(kind, Progress)]


def test_outputs_take_what_nobody_asked_for() -> None:
    outputs = Outputs.of_command(Run(entry_point="x"))
    outputs.write(Stream.STDOUT, b"x")
    outputs.finish()
    assert outputs.kept(Stream.STDOUT) is None
    assert outputs.notice is None


def test_a_stream_is_told_as_it_comes_and_kept() -> None:
    heard = Heard(CaptureMode(stream=StreamMode()))
    heard.outputs.write(Stream.STDOUT, b"one")
    assert heard.pieces == [b"one"]
    heard.outputs.write(Stream.STDOUT, b"two")
    heard.outputs.finish()
    assert heard.pieces == [b"one", b"two"]
    kept = heard.outputs.kept(Stream.STDOUT)
    assert kept is not None
    assert kept.data == b"onetwo"


def test_other_outputs_are_told_at_the_end() -> None:
    heard = Heard(CaptureMode(at_end=AtEnd(tail=3)))
    heard.outputs.write(Stream.STDOUT, b"onetwo")
    assert heard.pieces == []
    heard.outputs.finish()
    assert heard.pieces == [b"two"]


def test_a_stream_has_its_limit() -> None:
    heard = Heard(CaptureMode(stream=StreamMode(limit=4)))
    for data in (b"one", b"two", b"three"):
        heard.outputs.write(Stream.STDOUT, data)
    heard.outputs.finish()
    assert heard.pieces == [b"one", b"t"]


def test_a_character_is_not_torn_apart() -> None:
    heard = Heard(CaptureMode(stream=StreamMode()))
    first, second = "ä".encode()[:1], "ä".encode()[1:]
    heard.outputs.write(Stream.STDOUT, b"x" + first)
    heard.outputs.write(Stream.STDOUT, second)
    heard.outputs.write(Stream.STDOUT, first)
    assert heard.pieces == [b"x", "ä".encode()]
    heard.outputs.finish()
    assert heard.pieces[2].decode() == "\N{REPLACEMENT CHARACTER}"


def test_bytes_stay_as_they_are() -> None:
    heard = Heard(CaptureMode(stream=StreamMode(format="bin")))
    heard.outputs.write(Stream.STDOUT, b"\xff\xfe")
    assert heard.pieces == [b"\xff\xfe"]


@pytest.mark.parametrize("format_name", ["str", "bin"])
def test_what_is_long_comes_in_pieces(format_name: str) -> None:
    mode = StreamMode(format="bin") if format_name == "bin" else StreamMode()
    heard = Heard(CaptureMode(stream=mode))
    text = "ä" * PIECE_BYTES
    heard.outputs.write(Stream.STDOUT, b"x" + text.encode())
    heard.outputs.finish()
    assert b"".join(heard.pieces).decode() == "x" + text
    assert max(map(len, heard.pieces)) <= PIECE_BYTES + 3


def test_progress_is_told_now_and_then_and_at_the_ends_of_steps() -> None:
    heard = Heard()
    for done in (0, 1, 2):
        heard.outputs.progress((0, 2), "downloading", done, 10, "Bytes")
    heard.now = 1
    heard.outputs.progress((0, 2), "downloading", 3, 10, "Bytes")
    heard.outputs.progress((0, 2), "downloading", 4, 10, "Bytes")
    heard.outputs.progress((0, 2), "downloading", 10, 10, "Bytes")
    heard.outputs.progress((1, 2))
    assert heard.done == [0, 3, 10, 0]
    assert heard.kinds[0] == Progress((0, 2), "downloading", 0, 10, "Bytes")
