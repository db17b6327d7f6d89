"""The batches of one activity: those that run, and as many ended ones as there is room for."""

from collections.abc import Sequence

import anyio

from golem_vpn.errors import Conflict, NotFound
from golem_vpn.exeunit.batch import Batch
from golem_vpn.exeunit.script import Command
from golem_vpn.moments import RisingClock

MAX_RUNNING = 64
MAX_KEPT = 1_000
MAX_KEPT_BYTES = 32 * 1024 * 1024


class Batches:
    """Finds batches by id; forgets the oldest ended ones when they become too many or too large."""

    def __init__(self) -> None:
        self._batches: dict[str, Batch] = {}
        self._clock = RisingClock()

    def __contains__(self, batch_id: str) -> bool:
        return batch_id in self._batches

    def add(self, batch_id: str, commands: Sequence[Command]) -> Batch:
        """Makes a batch.

        Raises:
            Conflict: too many are running.
        """
        if sum(not batch.finished for batch in self._batches.values()) >= MAX_RUNNING:
            raise Conflict(f"{MAX_RUNNING} batches of this activity are running already")
        self._forget_old()
        batch = self._batches[batch_id] = Batch(batch_id, commands, self._clock)
        return batch

    def find(self, batch_id: str) -> Batch:
        """Gives a batch.

        Raises:
            NotFound: there is none, or it was forgotten.
        """
        batch = self._batches.get(batch_id)
        if batch is None:
            raise NotFound(f"there is no batch {batch_id}; results of old batches are not kept")
        return batch

    async def cancel(self, reason: str, *, spare: Batch | None = None) -> None:
        """Ends all running batches but one, and waits until they are gone."""
        async with anyio.create_task_group() as tasks:
            for batch in self._batches.values():
                if batch is not spare and not batch.finished:
                    tasks.start_soon(batch.cancel, reason)

    def _forget_old(self) -> None:
        ended = [batch for batch in self._batches.values() if batch.finished]
        size = sum(batch.size for batch in ended)
        while len(ended) >= MAX_KEPT or size > MAX_KEPT_BYTES:
            oldest = ended.pop(0)
            size -= oldest.size
            del self._batches[oldest.id]
