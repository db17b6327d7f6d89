"""Waiting for news of batches: one request to each provider, however many wait here.

A connection between nodes carries few requests at once, so those who wait for results don't ask the provider each for
itself. A follower asks on behalf of all, and rings the bells of those whom the news concern; they then ask for what
they want. It begins when somebody waits, and goes on for a while after the last one left.
"""

from weakref import WeakValueDictionary

import anyio
import anyio.abc
import structlog

from golem_vpn.activity.messages import MAX_WAIT_SECONDS, AwaitNews, NewsPage, Subject
from golem_vpn.bells import Bells
from golem_vpn.errors import GolemVpnError
from golem_vpn.net.control import Control

ANSWER_SECONDS = 5.0
RETRY_SECONDS = 0.5
PACE_SECONDS = 0.01
"""The pause after news, in which further ones gather."""
MAX_FETCHING = 16
"""How many readers of one provider's batches ask it at once; other requests need room beside them."""

log = structlog.get_logger()


class News:
    """The followers of all providers whose news somebody waits for."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._followers: WeakValueDictionary[tuple[str, str], Follower] = WeakValueDictionary()
        self._tasks: anyio.abc.TaskGroup | None = None

    @property
    def waiting(self) -> int:
        """Tells how many readers wait."""
        return sum(follower.waiting for follower in self._followers.values())

    async def run(self) -> None:
        """Gives followers the tasks to run in, for ever."""
        try:
            async with anyio.create_task_group() as self._tasks:
                await anyio.sleep_forever()
        finally:
            self._tasks = None

    def of(self, requestor: str, provider_id: str) -> "Follower":
        """Gives the follower of what one provider does for one identity of this node."""
        follower = self._followers.get((requestor, provider_id))
        if follower is None:
            follower = self._followers[requestor, provider_id] = Follower(self._control, requestor, provider_id)
        return follower

    async def wait(self, follower: "Follower", bell: anyio.Event, timeout: float) -> None:
        """Waits for a bell that the follower rings, which it may also do for no reason."""
        if self._tasks is not None and not follower.is_running:
            follower.is_running = True
            self._tasks.start_soon(follower.run)
        with anyio.move_on_after(timeout):
            follower.waiting += 1
            try:
                await bell.wait()
            finally:
                follower.waiting -= 1


class Follower:
    """Passes the news of one provider on."""

    def __init__(self, control: Control, requestor: str, provider_id: str) -> None:
        self.is_running = False
        self.waiting = 0
        self.fetching = anyio.CapacityLimiter(MAX_FETCHING)
        self._control = control
        self._requestor = requestor
        self._provider_id = provider_id
        self._bells: Bells[Subject] = Bells()

    def listen(self, subject: Subject) -> anyio.Event:
        """Gives the bell that rings at the next news of a subject."""
        return self._bells.listen(subject)

    async def run(self) -> None:
        """Follows the provider's feed until nobody has waited for the length of a request."""
        feed_id, after = "", 0
        try:
            while True:
                waited_for = self.waiting
                page = await self._ask(feed_id, after)
                if page is None:
                    # What happened meanwhile is unknown, so the next answer is to wake everyone.
                    feed_id = ""
                    await anyio.sleep(RETRY_SECONDS)
                    continue
                feed_id, after = page.feed_id, page.last
                self._pass_on(page)
                if page.subjects:
                    await anyio.sleep(PACE_SECONDS)
                elif page.complete and not waited_for and not self.waiting:
                    break
        finally:
            self.is_running = False

    async def _ask(self, feed_id: str, after: int) -> NewsPage | None:
        message = AwaitNews(self._requestor, feed_id, after, MAX_WAIT_SECONDS)
        try:
            return await self._control.request(
                self._provider_id, message, NewsPage, timeout=MAX_WAIT_SECONDS + ANSWER_SECONDS
            )
        except GolemVpnError as error:
            log.debug("no news from a provider", provider_id=self._provider_id, error=error.message)
            return None

    def _pass_on(self, page: NewsPage) -> None:
        if not page.complete:
            self._bells.ring_all()
        for subject in page.subjects:
            self._bells.ring(subject)
