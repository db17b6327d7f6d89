"""The batches of one activity: those that run, and as many ended ones as there is room for."""

from collections.abc import Callable, Sequence
from functools import partial

import anyio

from golem_vpn.errors import Conflict, NotFound
from golem_vpn.exeunit.batch import Batch
from golem_vpn.exeunit.events import Aspect
from golem_vpn.exeunit.script import Command, Run
from golem_vpn.exeunit.status import RunningCommand
from golem_vpn.moments import RisingClock

MAX_RUNNING = 64
MAX_KEPT = 1_000
MAX_KEPT_BYTES = 32 * 1024 * 1024


OnNews = Callable[[str, Aspect], None]
"""Hears of which batch there are further results or events."""


def tell_nobody(_batch_id: str, _aspect: Aspect) -> None:
    """Takes news that nobody waits for."""


class Batches:
    """Finds batches by id; forgets the oldest ended ones when they become too many or too large."""

    def __init__(self, on_news: OnNews = tell_nobody) -> None:
        self._batches: dict[str, Batch] = {}
        self._clock = RisingClock()
        self._on_news = on_news

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
        batch = self._batches[batch_id] = Batch(batch_id, commands, self._clock, partial(self._on_news, batch_id))
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

    def running(self) -> list[RunningCommand]:
        """Lists the command of each batch that runs."""
        return [_running(batch.id, command) for batch in self._batches.values() if (command := batch.running)]

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


def _running(batch_id: str, command: Command) -> RunningCommand:
    params = [command.entry_point, *command.args] if isinstance(command, Run) else []
    return RunningCommand(batch_id, command.name, params)
