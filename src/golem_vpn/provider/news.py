"""What requestors wait for: which batches of theirs have further results or events.

All batches of a requestor share one feed, so that one waiting request serves however many wait for batches at the
requestor's daemon. A feed names what has changed, each subject once at the place of its latest change; what it was is
asked for by other messages. It lives in memory: a provider that restarted has another feed, and says so by its id.
"""

import secrets
from collections import OrderedDict

import anyio

from golem_vpn.activity.messages import NewsPage, Subject
from golem_vpn.bells import Bells
from golem_vpn.exeunit.events import Aspect

MAX_SUBJECTS = 4096
"""How many subjects a feed remembers; a page of them has to fit in a control message."""
MAX_FEEDS = 1024


class NewsFeed:
    """The changes of one requestor's batches."""

    def __init__(self) -> None:
        self.id = secrets.token_hex(8)
        self._last = 0
        self._forgotten = 0
        """The latest change that is no longer remembered."""
        self._changes: OrderedDict[Subject, int] = OrderedDict()

    def note(self, subject: Subject) -> None:
        """Takes the next change."""
        self._last += 1
        self._changes[subject] = self._last
        self._changes.move_to_end(subject)
        if len(self._changes) > MAX_SUBJECTS:
            _, self._forgotten = self._changes.popitem(last=False)

    def since(self, feed_id: str, after: int) -> NewsPage | None:
        """Gives what has changed after a certain change; nothing where there was none."""
        if feed_id != self.id or not self._forgotten <= after <= self._last:
            return NewsPage(self.id, self._last, [], complete=False)
        return None if after == self._last else NewsPage(self.id, self._last, self._later_than(after), complete=True)

    def _later_than(self, after: int) -> list[Subject]:
        later: list[Subject] = []
        for subject, change in reversed(self._changes.items()):
            if change <= after:
                break
            later.append(subject)
        return later


class NewsFeeds:
    """The feeds of all requestors that had news, or waited for some, lately."""

    def __init__(self) -> None:
        self._feeds: OrderedDict[str, NewsFeed] = OrderedDict()
        self._bells: Bells[str] = Bells()

    def note(self, requestor: str, activity_id: str, batch_id: str, aspect: Aspect) -> None:
        """Takes a change, and wakes who waits for it."""
        self._feed(requestor).note(Subject(activity_id, batch_id, aspect))
        self._bells.ring(requestor)

    async def wait(self, requestor: str, feed_id: str, after: int, timeout: float) -> NewsPage:
        """Gives what has changed after a certain change, once there is something or the time is over."""
        bell = self._bells.listen(requestor)
        page = self._feed(requestor).since(feed_id, after)
        if page is None:
            with anyio.move_on_after(timeout):
                await bell.wait()
            page = self._feed(requestor).since(feed_id, after)
        return page or NewsPage(feed_id, after, [], complete=True)

    def _feed(self, requestor: str) -> NewsFeed:
        feed = self._feeds.get(requestor)
        if feed is None:
            feed = self._feeds[requestor] = NewsFeed()
            if len(self._feeds) > MAX_FEEDS:
                self._feeds.popitem(last=False)
        self._feeds.move_to_end(requestor)
        return feed
