"""What a command has to say while it runs: its outputs, kept and told, and its progress."""

import codecs
import time
from collections.abc import Callable

from golem_vpn.exeunit.capture import WHOLE, Capture, CaptureMode, OutputBuffer
from golem_vpn.exeunit.events import Kind, Progress, Written
from golem_vpn.exeunit.results import Output
from golem_vpn.exeunit.runtimes.base import Stream
from golem_vpn.exeunit.script import Command, Run

PIECE_BYTES = 8 * 1024
"""What one event tells at most: written as JSON it has to fit in a line that every client takes."""
PROGRESS_SECONDS = 0.1
"""How much time lies between two reports of progress, but for the first and the last of a step."""


def _tell_nobody(_kind: Kind) -> None: ...


class Outputs:
    """The outputs and the progress of the command that runs at the moment, as far as they were asked for."""

    def __init__(
        self,
        capture: Capture,
        tell: Callable[[Kind], None] = _tell_nobody,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        modes = ((Stream.STDOUT, capture.stdout), (Stream.STDERR, capture.stderr))
        self._channels = {stream: _Channel(stream, mode, tell) for stream, mode in modes if mode is not None}
        self._tell = tell
        self._monotonic = monotonic
        self._step: tuple[int, int] | None = None
        self._next_progress = 0.0

    @classmethod
    def of_command(cls, command: Command, tell: Callable[[Kind], None] = _tell_nobody) -> "Outputs":
        """Keeps what a `run` asks for, and all of what other commands have to say."""
        if isinstance(command, Run):
            return cls(command.capture or Capture(), tell)
        return cls(Capture(stdout=WHOLE, stderr=WHOLE), tell)

    def write(self, stream: Stream, data: bytes) -> None:
        """Takes the next bytes of one output."""
        if (channel := self._channels.get(stream)) is not None:
            channel.write(data)

    def progress(
        self,
        step: tuple[int, int],
        message: str | None = None,
        done: int = 0,
        total: int | None = None,
        unit: str | None = None,
    ) -> None:
        """Tells how far the command is; may be called as often as is convenient.

        Args:
            step: which of how many steps it is in, from (0, n) on.
            message: what it does in that step.
            done: how much of the step is done.
            total: how much there is to do, where that is known.
            unit: what is counted, such as "Bytes".
        """
        now = self._monotonic()
        if step == self._step and done != total and now < self._next_progress:
            return
        self._step, self._next_progress = step, now + PROGRESS_SECONDS
        self._tell(Progress(step, message, done, total, unit))

    def finish(self) -> None:
        """Tells of the outputs what was not told before, when the command has ended."""
        for channel in self._channels.values():
            channel.finish()

    def kept(self, stream: Stream) -> Output | None:
        """Gives what was kept of one output; nothing where it was not asked for."""
        channel = self._channels.get(stream)
        return None if channel is None else Output.of_buffer(channel.buffer)

    @property
    def notice(self) -> str | None:
        """Names the outputs that were longer than what can be kept."""
        buffers = ((stream, channel.buffer) for stream, channel in self._channels.items())
        cut = [f"{stream} was cut to {len(buffer.value)} bytes" for stream, buffer in buffers if buffer.cut]
        return "; ".join(cut) or None


class _Channel:
    """One output: its buffer, and what of it is told as it comes, which is all if the requestor asks for a stream."""

    def __init__(self, stream: Stream, mode: CaptureMode, tell: Callable[[Kind], None]) -> None:
        self.buffer = OutputBuffer(mode)
        self._stream = stream
        self._binary = mode.binary
        self._live = mode.stream is not None
        self._room = None if mode.stream is None else mode.stream.limit
        self._tell = tell
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, data: bytes) -> None:
        self.buffer.write(data)
        if self._live:
            self._tell_in_pieces(data[: self._room])
            if self._room is not None:
                self._room -= len(data[: self._room])

    def finish(self) -> None:
        if self._live:
            self._tell_in_pieces(b"", final=True)
        else:
            self._tell_in_pieces(self.buffer.value, final=True)

    def _tell_in_pieces(self, data: bytes, *, final: bool = False) -> None:
        for start in range(0, len(data) or 1, PIECE_BYTES):
            piece = data[start : start + PIECE_BYTES]
            if not self._binary:
                # A character whose bytes are not all there yet is told together with the next piece.
                piece = self._decoder.decode(piece, final and start + PIECE_BYTES >= len(data)).encode()
            if piece:
                self._tell(Written(self._stream, Output(piece, self._binary)))
