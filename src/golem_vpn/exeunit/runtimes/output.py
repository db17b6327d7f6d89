"""Reads what a program writes, as it comes."""

import asyncio
import os

from golem_vpn.exeunit.runtimes.base import OutputHandler, Stream

_CHUNK = 65_536
_MOST_CHUNKS = 16
"""A pipe holds one chunk, and no more than these if its writer has enlarged it."""


class Output:
    """The read end of a pipe whose write end is a program's standard output or error.

    A program may end and leave a background process that still writes: what comes later is read and dropped, because
    a full pipe would stop that process, and a closed one would kill it. The write end is the caller's to close.
    """

    def __init__(self, stream: Stream, on_output: OutputHandler) -> None:
        self._stream = stream
        self._on_output: OutputHandler | None = on_output
        self._loop = asyncio.get_running_loop()
        self._read_end, self.write_end = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._read_end, False)
        self._loop.add_reader(self._read_end, self._on_readable)

    @property
    def is_open(self) -> bool:
        """Says whether somebody may still write."""
        return self._read_end >= 0

    def finish(self) -> None:
        """Reads what was written until now; later output is dropped."""
        for _ in range(_MOST_CHUNKS):
            if self.is_open:
                self._on_readable()
        self._on_output = None

    def close(self) -> None:
        """Stops reading."""
        if self.is_open:
            self._loop.remove_reader(self._read_end)
            os.close(self._read_end)
            self._read_end = -1

    def _on_readable(self) -> None:
        try:
            data = os.read(self._read_end, _CHUNK)
        except BlockingIOError:
            return
        if not data:
            self.close()
        elif self._on_output is not None:
            self._on_output(self._stream, data)
