from collections import Counter

import anyio
import pytest

from golem_vpn.activity import news as module
from golem_vpn.activity.messages import AwaitNews, NewsPage, Subject
from golem_vpn.activity.news import News
from golem_vpn.exeunit.events import Aspect
from golem_vpn.provider.news import NewsFeeds
from tests.unit.net.kit import make_node, running
from tests.unit.provider.kit import World

pytestmark = pytest.mark.anyio

READERS = 1_000


async def test_a_thousand_readers_take_one_request_and_each_hears_its_own_news(world: World) -> None:
    alice, bob = (make_node(world.wire, world.directory, name) for name in ("alice", "bob"))
    alice.knows(bob)
    bob.knows(alice)
    feeds, news = NewsFeeds(), News(alice.control)
    count = Counter[str]()

    @bob.control.on(AwaitNews)
    async def _answer(_sender: str, message: AwaitNews) -> NewsPage:
        count["asked"] += 1
        count["at once"] += 1
        count["most at once"] = max(count["most at once"], count["at once"])
        try:
            return await feeds.wait(message.requestor_id, message.feed_id, message.after, message.timeout)
        finally:
            count["at once"] -= 1

    async def read(number: int) -> None:
        follower = news.of(alice.id, bob.id)
        # The first ring may be that of the follower's beginning.
        for _ in range(2):
            bell = follower.listen(Subject("activity", f"{number}", Aspect.RESULTS))
            await news.wait(follower, bell, 30)
        count["heard"] += 1

    async with running(alice, bob), anyio.create_task_group() as tasks:
        tasks.start_soon(news.run)
        async with anyio.create_task_group() as readers:
            for number in range(READERS):
                readers.start_soon(read, number)
            await anyio.wait_all_tasks_blocked()
            assert news.of(alice.id, bob.id).waiting == READERS
            for number in range(READERS):
                feeds.note(alice.id, "activity", f"{number}", Aspect.RESULTS)
        assert count["heard"] == READERS
        assert count["most at once"] == 1
        assert count["asked"] < 10
        tasks.cancel_scope.cancel()


async def test_all_are_woken_when_a_provider_is_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    async with world.pair() as (alice, bob):
        news = News(alice.node.control)
        follower = news.of(alice.id, bob.id)
        bell = follower.listen(Subject("activity", "batch", Aspect.RESULTS))
        world.wire.cut(alice.node.endpoint, bob.node.endpoint)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(news.run)
            await anyio.wait_all_tasks_blocked()
            await news.wait(follower, bell, 0.05)
            assert not bell.is_set()
            world.wire.mend(alice.node.endpoint, bob.node.endpoint)
            await news.wait(follower, bell, 30)
            assert bell.is_set()
            tasks.cancel_scope.cancel()


async def test_a_follower_ends_some_time_after_its_last_reader(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAIT_SECONDS", 0.01)
    async with world.pair() as (alice, bob):
        news = News(alice.node.control)
        follower = news.of(alice.id, bob.id)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(news.run)
            await anyio.wait_all_tasks_blocked()
            await news.wait(follower, anyio.Event(), 0.05)
            with anyio.fail_after(30):
                while follower.is_running:
                    await anyio.sleep(0.01)
            await news.wait(follower, anyio.Event(), 0)
            assert follower.is_running
            tasks.cancel_scope.cancel()
