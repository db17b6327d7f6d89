"""Brings the parts of a file that is handed over into their order, however they come.

A sender has several on their way at once, and sends one again where its answer got lost.
"""

import anyio

from golem_vpn.errors import Conflict
from golem_vpn.files.messages import BeginFile, FinishFile, WriteFile
from golem_vpn.files.ports import Sink

PATIENCE = 45.0
"""Seconds to wait for the parts before one; less than a sender waits for an answer."""


class Inbox:
    """Feeds one sink."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._digest: str | None = None
        self._size = 0
        self._written = 0
        self._finished = False
        self._turn = anyio.Condition()

    async def begin(self, message: BeginFile) -> int:
        """Gets ready for a file, and tells how much of it is there already.

        Raises:
            Conflict: the sink can't take another one.
        """
        async with self._turn:
            if not (self._finished and self._digest == message.digest):
                self._written = await self._sink.begin(message.size, message.digest)
                self._finished = False
            self._digest, self._size = message.digest, message.size
            self._turn.notify_all()
            return self._written

    async def write(self, message: WriteFile) -> None:
        """Takes a part as soon as all before it are there.

        Raises:
            Conflict: this file was not begun, or those before it don't come.
        """
        with anyio.move_on_after(PATIENCE):
            async with self._turn:
                while self._expects(message.digest) and self._written < message.offset:
                    await self._turn.wait()
                self._check(message.digest)
                if message.offset == self._written and message.content:
                    if self._written + len(message.content) > self._size:
                        raise Conflict(f"the file was announced with {self._size} bytes; this is more")
                    await self._sink.append(message.content)
                    self._written += len(message.content)
                    self._turn.notify_all()
                return
        raise Conflict(f"the part before {message.offset} did not come")

    async def finish(self, message: FinishFile) -> None:
        """Ends the file; a second time is as good as once.

        Raises:
            Conflict: this file was not begun, or is not whole yet.
            TransferFailed: it is not what was announced.
        """
        async with self._turn:
            self._check(message.digest)
            if self._written != self._size:
                raise Conflict(f"{self._written} of {self._size} bytes are there")
            if not self._finished:
                await self._sink.finish()
                self._finished = True

    def _expects(self, digest: str) -> bool:
        return digest == self._digest and not self._finished

    def _check(self, digest: str) -> None:
        if digest != self._digest:
            raise Conflict("this file has to be begun first")
