"""Reading the results of batches from providers, over pages and over lost connections."""

import anyio

from golem_vpn.activity.messages import BatchResults, ResultsPage, Subject
from golem_vpn.activity.news import Follower, News
from golem_vpn.errors import PeerUnreachable
from golem_vpn.exeunit.events import Aspect
from golem_vpn.exeunit.results import CommandResult
from golem_vpn.net.control import Control

ANSWER_SECONDS = 5.0
RETRY_SECONDS = 2.0
"""How long news are waited for when the provider could not be asked."""
LAST_LOOK_SECONDS = 0.4
"""How long an answer is waited for when the time is over: the Python SDKs hang up half a second later."""
MAX_BATCHES_REMEMBERED = 10_000


class ResultsReader:
    """Waits for results that are new to the reader of a batch."""

    def __init__(self, control: Control, news: News) -> None:
        self._control = control
        self._news = news
        self._given: dict[tuple[str, str], int] = {}

    async def read(
        self, requestor: str, provider_id: str, batch: tuple[str, str], timeout: float, command_index: int | None
    ) -> list[CommandResult]:
        """Gives all results so far, once there are more than the last call gave, or that of a certain command.

        While the provider cannot be reached the time goes on, and its end gives what came before, maybe nothing.
        """
        wait_for = self._given.get(batch, 0) if command_index is None else command_index
        follower = self._news.of(requestor, provider_id)
        subject = Subject(*batch, Aspect.RESULTS)
        entries: list[CommandResult] = []
        deadline = anyio.current_time() + timeout
        patience = ANSWER_SECONDS
        while True:
            bell = follower.listen(subject)
            asked = await self._read_on(follower, provider_id, batch, entries, patience)
            remaining = deadline - anyio.current_time()
            if len(entries) > wait_for or _is_complete(entries) or remaining <= 0:
                break
            await self._news.wait(follower, bell, remaining if asked else min(remaining, RETRY_SECONDS))
            patience = min(ANSWER_SECONDS, max(LAST_LOOK_SECONDS, deadline - anyio.current_time()))
        self._remember(batch, entries)
        return entries

    def forget(self, activity_id: str) -> None:
        """Forgets what was given of an activity's batches."""
        for batch in [batch for batch in self._given if batch[0] == activity_id]:
            del self._given[batch]

    async def _read_on(
        self,
        follower: Follower,
        provider_id: str,
        batch: tuple[str, str],
        entries: list[CommandResult],
        patience: float,
    ) -> bool:
        """Reads what there is beyond the entries; tells whether the provider could be asked."""
        more = True
        while more:
            try:
                async with follower.fetching:
                    page = await self._control.request(
                        provider_id, BatchResults(*batch, len(entries)), ResultsPage, timeout=patience
                    )
            except PeerUnreachable:
                return False
            entries += page.entries
            more = page.more
        return True

    def _remember(self, batch: tuple[str, str], entries: list[CommandResult]) -> None:
        self._given.pop(batch, None)
        if entries and not _is_complete(entries):
            self._given[batch] = len(entries)
        if len(self._given) > MAX_BATCHES_REMEMBERED:
            del self._given[next(iter(self._given))]


def _is_complete(entries: list[CommandResult]) -> bool:
    return bool(entries) and entries[-1].is_batch_finished
