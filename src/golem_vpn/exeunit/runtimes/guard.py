"""Holds the payloads of an activity to the limits that the kernel does not know, and remembers the most they used.

It looks from time to time. The kernel bounds what happens between two looks: no file can be larger than the limit of
storage, and where control groups limit the memory, this is only to count.
"""

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from golem_vpn.exeunit.runtimes.base import Limits
from golem_vpn.exeunit.runtimes.storage import storage_in
from golem_vpn.exeunit.runtimes.usage import deleted_files_below, memory_below

_STORAGE_INTERVAL = 2.0
_SHARE = 20
"""Looking at the storage takes no more than one part in so many of the time."""
_MIB = 1 << 20


class Measured(msgspec.Struct, frozen=True):
    """The most that was used at a time, in bytes."""

    memory: int = 0
    storage: int = 0


class Guard:
    """Looks at what one activity uses."""

    def __init__(self, process_id: int, directories: Sequence[Path], limits: Limits) -> None:
        self._process_id = process_id
        self._directories = directories
        self._limits = limits
        self._found_there = storage_in(directories)
        self._storage_due = 0.0
        self.most = Measured()

    def look(self) -> str | None:
        """Measures, and says which limit is broken, if one is; to be called in a thread."""
        memory = memory_below(self._process_id, self._limits.memory_bytes)
        self.most = msgspec.structs.replace(self.most, memory=max(self.most.memory, memory))
        return _complaint("memory", memory, self._limits.memory_bytes) or self._look_at_storage()

    def _look_at_storage(self) -> str | None:
        began = time.monotonic()
        if began < self._storage_due:
            return None
        stored = storage_in(self._directories) - self._found_there + deleted_files_below(self._process_id)
        self.most = msgspec.structs.replace(self.most, storage=max(self.most.storage, stored))
        ended = time.monotonic()
        self._storage_due = ended + max(_STORAGE_INTERVAL, _SHARE * (ended - began))
        return _complaint("storage", stored, self._limits.storage_bytes)


def _complaint(what: str, used: int, limit: int | None) -> str | None:
    if limit is None or used <= limit:
        return None
    return f"the payload used {used / _MIB:.1f} MiB of {what}; the agreement gives it {limit / _MIB:.1f} MiB"
