"""What an activity tells of itself."""

from collections.abc import Sequence
from typing import Any

import msgspec

from golem_vpn.exeunit.state import StatePair

DURATION = "golem.usage.duration_sec"
PROCESSOR_TIME = "golem.usage.cpu_sec"
MEMORY = "golem.usage.gib"
STORAGE = "golem.usage.storage_gib"
"""Of these two, the most at a time counts."""
USAGE_VECTOR = (DURATION, PROCESSOR_TIME)
"""The counters of every agreement that names none."""


class ActivityStatus(msgspec.Struct, frozen=True):
    """Where an activity stands, and why it is there where that is not the requestor's doing."""

    pair: StatePair
    reason: str | None = None
    error_message: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Gives the state in the form of the Activity API."""
        state: dict[str, Any] = {"state": [self.pair.current, self.pair.pending]}
        state |= {} if self.reason is None else {"reason": self.reason}
        return state | ({} if self.error_message is None else {"errorMessage": self.error_message})


class RunningCommand(msgspec.Struct, frozen=True):
    """A command that runs at the moment."""

    batch_id: str
    name: str
    params: list[str]

    def as_json(self) -> dict[str, Any]:
        """Gives the command in the form of the Activity API."""
        return {"batchId": self.batch_id, "command": self.name, "params": self.params}


class Usage(msgspec.Struct, frozen=True):
    """What an activity has used up to a moment."""

    counters: dict[str, float]
    timestamp: int
    """Seconds since 1970."""

    def in_order_of(self, vector: Sequence[str]) -> "Usage":
        """Gives the counters that an agreement names, in its order."""
        return Usage({name: self.counters.get(name, 0.0) for name in vector}, self.timestamp)

    def as_json(self) -> dict[str, Any]:
        """Gives the usage in the form of the Activity API."""
        return {"currentUsage": list(self.counters.values()), "timestamp": self.timestamp}
