"""Reading the events of a batch from its provider, while it runs or afterwards."""

import anyio

from golem_vpn.activity.messages import BatchEvents, EventsPage, Subject
from golem_vpn.activity.news import News
from golem_vpn.errors import PeerUnreachable
from golem_vpn.exeunit.events import Aspect, BatchEvent
from golem_vpn.net.control import Control

ANSWER_SECONDS = 5.0
RETRY_SECONDS = 2.0
"""How long news are waited for when the provider could not be asked."""


class EventReader:
    """Follows the events of one batch, from a certain one on."""

    def __init__(
        self, control: Control, news: News, requestor: str, provider_id: str, batch: tuple[str, str], after: int
    ) -> None:
        self.ended = False
        """Whether there will be no further events."""
        self.batch_id = batch[1]
        self._control = control
        self._news = news
        self._follower = news.of(requestor, provider_id)
        self._provider_id = provider_id
        self._batch = batch
        self._last = after

    async def read(self, timeout: float) -> list[BatchEvent]:
        """Gives the next events, once there are some or the time is over.

        Raises:
            NotFound: there is no such batch.
            Gone: the activity has ended, and its events are not kept.
        """
        deadline = anyio.current_time() + timeout
        while not self.ended:
            bell = self._follower.listen(Subject(*self._batch, Aspect.EVENTS))
            page = await self._next_page()
            if page is not None:
                self.ended = page.complete
                if page.entries:
                    self._last = page.entries[-1].id
                    return page.entries
            remaining = deadline - anyio.current_time()
            if remaining <= 0:
                break
            if not self.ended:
                await self._news.wait(
                    self._follower, bell, min(remaining, RETRY_SECONDS) if page is None else remaining
                )
        return []

    async def _next_page(self) -> EventsPage | None:
        message = BatchEvents(*self._batch, self._last)
        try:
            async with self._follower.fetching:
                return await self._control.request(self._provider_id, message, EventsPage, timeout=ANSWER_SECONDS)
        except PeerUnreachable:
            return None
