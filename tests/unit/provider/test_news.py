import anyio
import pytest

from golem_vpn.activity.messages import Subject
from golem_vpn.exeunit.events import Aspect
from golem_vpn.provider import news as module
from golem_vpn.provider.news import NewsFeed, NewsFeeds

pytestmark = pytest.mark.anyio

ALICE = "0x" + "a" * 40
CAROL = "0x" + "c" * 40


def subject(batch: str) -> Subject:
    return Subject("activity", batch, Aspect.RESULTS)


def changed(feed: NewsFeed, after: int) -> list[str] | None:
    """Gives the batches with changes, latest first; nothing where all may have changed."""
    page = feed.since(feed.id, after)
    if page is None:
        return []
    return [one.batch_id for one in page.subjects] if page.complete else None


def test_a_feed_names_what_changed_once_latest_first() -> None:
    feed = NewsFeed()
    for batch in ("a", "b", "c", "a"):
        feed.note(subject(batch))
    assert changed(feed, 0) == ["a", "c", "b"]
    assert changed(feed, 2) == ["a", "c"]
    assert changed(feed, 4) == []


def test_a_reader_of_another_feed_begins_anew() -> None:
    feed = NewsFeed()
    feed.note(subject("a"))
    page = feed.since("another", 1)
    assert page is not None
    assert (page.feed_id, page.last, page.complete) == (feed.id, 1, False)
    assert changed(feed, 2) is None
    assert changed(feed, -1) is None


def test_a_reader_who_is_too_late_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SUBJECTS", 2)
    feed = NewsFeed()
    for batch in ("a", "b", "c"):
        feed.note(subject(batch))
    assert changed(feed, 0) is None
    assert changed(feed, 1) == ["c", "b"]


async def test_waiting_ends_with_news_or_with_the_time() -> None:
    feeds = NewsFeeds()
    first = await feeds.wait(ALICE, "", 0, 30)
    assert not first.complete
    nothing = await feeds.wait(ALICE, first.feed_id, first.last, 0)
    assert (nothing.subjects, nothing.complete, nothing.last) == ([], True, first.last)
    async with anyio.create_task_group() as tasks:

        async def note() -> None:
            await anyio.wait_all_tasks_blocked()
            feeds.note(CAROL, "activity", "hers", Aspect.RESULTS)
            feeds.note(ALICE, "activity", "his", Aspect.EVENTS)

        tasks.start_soon(note)
        page = await feeds.wait(ALICE, first.feed_id, first.last, 30)
    assert page.subjects == [Subject("activity", "his", Aspect.EVENTS)]


async def test_the_feed_that_was_not_used_for_longest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FEEDS", 1)
    feeds = NewsFeeds()
    first = await feeds.wait(ALICE, "", 0, 0)
    await feeds.wait(CAROL, "", 0, 0)
    again = await feeds.wait(ALICE, first.feed_id, first.last, 30)
    assert again.feed_id != first.feed_id
    assert not again.complete
