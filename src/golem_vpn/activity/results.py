"""Reading the results of batches from providers, over pages and over lost connections."""

import anyio

from golem_vpn.activity.messages import MAX_WAIT_SECONDS, BatchResults, ResultsPage
from golem_vpn.errors import PeerUnreachable
from golem_vpn.exeunit.results import CommandResult
from golem_vpn.net.control import Control

ANSWER_SECONDS = 5.0
PAUSE_SECONDS = 0.2
MAX_BATCHES_REMEMBERED = 10_000


class ResultsReader:
    """Waits for results that are new to the reader of a batch."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._given: dict[tuple[str, str], int] = {}

    async def read(
        self, provider_id: str, activity_id: str, batch_id: str, timeout: float, command_index: int | None
    ) -> list[CommandResult]:
        """Gives all results so far, once there are more than the last call gave, or that of a certain command.

        While the provider cannot be reached the time goes on, and its end gives what came before, maybe nothing.
        """
        batch = activity_id, batch_id
        wait_for = self._given.get(batch, 0) if command_index is None else command_index
        entries: list[CommandResult] = []
        deadline = anyio.current_time() + timeout
        more = True
        while more:
            remaining = deadline - anyio.current_time()
            request = BatchResults(
                activity_id, batch_id, len(entries), wait_for, max(0, min(remaining, MAX_WAIT_SECONDS))
            )
            try:
                page = await self._control.request(
                    provider_id, request, ResultsPage, timeout=request.timeout + ANSWER_SECONDS
                )
            except PeerUnreachable:
                if remaining <= 0:
                    break
                await anyio.sleep(min(PAUSE_SECONDS, remaining))
                continue
            entries += page.entries
            complete = bool(entries) and entries[-1].is_batch_finished
            more = page.more or (not complete and len(entries) <= wait_for and remaining > 0)
        self._remember(batch, entries)
        return entries

    def forget(self, activity_id: str) -> None:
        """Forgets what was given of an activity's batches."""
        for batch in [batch for batch in self._given if batch[0] == activity_id]:
            del self._given[batch]

    def _remember(self, batch: tuple[str, str], entries: list[CommandResult]) -> None:
        self._given.pop(batch, None)
        if entries and not entries[-1].is_batch_finished:
            self._given[batch] = len(entries)
        if len(self._given) > MAX_BATCHES_REMEMBERED:
            del self._given[next(iter(self._given))]
