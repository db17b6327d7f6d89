"""What happens in a batch while it runs, told as it happens: commands begin, write, advance, and end.

A batch keeps its events for readers that come late or come again. Beginnings and ends are kept for as long as the
batch is, which the size of its script bounds; of what was written and of progress there is room for so much, and the
oldest gives way. Event ids count up from 1, so a reader sees by them what it missed.
"""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

from golem_vpn.exeunit.results import Output
from golem_vpn.exeunit.runtimes.base import Stream
from golem_vpn.exeunit.script import Command
from golem_vpn.moments import RisingClock

TRANSIENT_LIMIT = 1024 * 1024
"""How many bytes of output and progress a batch keeps."""
EVENT_BYTES = 100
"""About what an event takes beside its text."""
MAX_COMMAND_BYTES = 32 * 1024
"""A longer command is named only: clients bound the line of an event, some by 128 KiB."""


class Aspect(StrEnum):
    """What there can be news of in a batch."""

    RESULTS = "results"
    EVENTS = "events"


class Started(msgspec.Struct, frozen=True, tag="started"):
    """A command begins."""

    command: dict[str, Any]

    @classmethod
    def of_command(cls, command: Command) -> "Started":
        """Gives the command in the form of a script."""
        body = msgspec.to_builtins(command)
        fits = len(msgspec.json.encode(body)) <= MAX_COMMAND_BYTES
        return cls({command.name: body if fits else {}})

    @property
    def size(self) -> int:
        """Gives about as many bytes as the event takes in a control message."""
        return EVENT_BYTES + len(msgspec.json.encode(self.command))

    def as_json(self) -> dict[str, Any]:
        """Gives the kind of event as the Activity API writes it."""
        return {"started": {"command": self.command}}


class Written(msgspec.Struct, frozen=True, tag="written"):
    """A command has written to one of its outputs."""

    stream: Stream
    output: Output

    @property
    def size(self) -> int:
        """Gives about as many bytes as the event takes in a control message."""
        return EVENT_BYTES + len(self.output.data)

    def as_json(self) -> dict[str, Any]:
        """Gives the kind of event as the Activity API writes it."""
        return {self.stream: self.output.as_json()}


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """A command has advanced."""

    step: tuple[int, int]
    """Which of how many steps it is in."""
    message: str | None
    done: int
    total: int | None
    unit: str | None

    @property
    def size(self) -> int:
        """Gives about as many bytes as the event takes in a control message."""
        return EVENT_BYTES + 4 * len(self.message or "")

    def as_json(self) -> dict[str, Any]:
        """Gives the kind of event as the Activity API writes it."""
        progress = {"step": self.step, "message": self.message, "progress": (self.done, self.total), "unit": self.unit}
        return {"progress": progress}


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """A command has ended."""

    return_code: int
    """The program's exit code; of other commands 0, or 1 where they failed."""
    message: str | None

    @property
    def size(self) -> int:
        """Gives about as many bytes as the event takes in a control message."""
        return EVENT_BYTES + 4 * len(self.message or "")

    def as_json(self) -> dict[str, Any]:
        """Gives the kind of event as the Activity API writes it."""
        return {"finished": {"return_code": self.return_code, "message": self.message}}


Kind = Started | Written | Progress | Finished


class BatchEvent(msgspec.Struct, frozen=True):
    """One event of a batch."""

    id: int
    index: int
    """Of the command."""
    date: datetime
    kind: Kind

    def as_json(self, batch_id: str) -> dict[str, Any]:
        """Gives the event in the form of the Activity API, whose dates have no zone here."""
        timestamp = self.date.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
        return {"batch_id": batch_id, "index": self.index, "timestamp": timestamp, "kind": self.kind.as_json()}


class EventLog:
    """Keeps the events of one batch."""

    def __init__(self, clock: RisingClock, on_event: Callable[[], None]) -> None:
        self.size = 0
        """How many bytes the events take."""
        self._clock = clock
        self._on_event = on_event
        self._last_id = 0
        self._events: dict[int, BatchEvent] = {}
        self._transient: deque[BatchEvent] = deque()
        self._transient_size = 0

    @property
    def last_id(self) -> int:
        """Gives the id of the newest event, 0 before the first."""
        return self._last_id

    def add(self, index: int, kind: Kind) -> None:
        """Takes the next event of a command."""
        self._last_id += 1
        event = self._events[self._last_id] = BatchEvent(self._last_id, index, self._clock.next(), kind)
        self.size += kind.size
        if isinstance(kind, Written | Progress):
            self._transient.append(event)
            self._transient_size += kind.size
            while self._transient_size > TRANSIENT_LIMIT:
                self._drop(self._transient.popleft())
        self._on_event()

    def after(self, event_id: int, most_bytes: int) -> list[BatchEvent]:
        """Gives the kept events after a certain one, one at least, and as many as `most_bytes` allow."""
        events: list[BatchEvent] = []
        room = most_bytes
        for event in self._later_than(event_id):
            room -= event.kind.size
            if events and room < 0:
                break
            events.append(event)
        return events

    def _drop(self, event: BatchEvent) -> None:
        del self._events[event.id]
        self._transient_size -= event.kind.size
        self.size -= event.kind.size

    def _later_than(self, event_id: int) -> list[BatchEvent]:
        later: list[BatchEvent] = []
        for event in reversed(self._events.values()):
            if event.id <= event_id:
                break
            later.append(event)
        return later[::-1]
