"""What came of the commands of a batch, one entry each."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from golem_vpn import moments
from golem_vpn.exeunit.capture import OutputBuffer


class Outcome(StrEnum):
    """Whether a command did what it was asked."""

    OK = "Ok"
    ERROR = "Error"


class Output(msgspec.Struct, frozen=True):
    """The bytes that were kept of one output, and whether the requestor wants them as bytes."""

    data: bytes
    binary: bool = False

    @classmethod
    def of_buffer(cls, buffer: OutputBuffer | None) -> "Output | None":
        """Takes what a buffer kept; nothing where no buffer was asked for."""
        return None if buffer is None else cls(buffer.value, buffer.binary)

    def as_json(self) -> str | list[int]:
        """Gives text, or a list of byte values, as the Activity API writes them."""
        return list(self.data) if self.binary else self.data.decode(errors="replace")


class CommandResult(msgspec.Struct, frozen=True, kw_only=True):
    """The entry of one command that has ended."""

    index: int
    event_date: datetime
    result: Outcome
    stdout: Output | None = None
    stderr: Output | None = None
    message: str | None = None
    is_batch_finished: bool

    @property
    def size(self) -> int:
        """Gives about as many bytes as the entry takes in a control message."""
        outputs = sum(len(output.data) for output in (self.stdout, self.stderr) if output is not None)
        return outputs + 4 * len(self.message or "") + 200

    def without_output(self, reason: str) -> "CommandResult":
        """Gives the entry with its outputs dropped and the reason told."""
        message = "; ".join(filter(None, (self.message, f"the output was dropped: {reason}")))
        return msgspec.structs.replace(self, stdout=None, stderr=None, message=message)

    def as_json(self) -> dict[str, Any]:
        """Gives the entry in the form of the Activity API."""
        return {
            "index": self.index,
            "eventDate": moments.to_text(self.event_date),
            "result": self.result,
            "stdout": None if self.stdout is None else self.stdout.as_json(),
            "stderr": None if self.stderr is None else self.stderr.as_json(),
            "message": self.message,
            "isBatchFinished": self.is_batch_finished,
        }
