import anyio
import pytest

from golem_vpn.activity import results as module
from golem_vpn.activity.messages import BatchResults, ResultsPage
from golem_vpn.activity.news import News
from golem_vpn.activity.results import ResultsReader
from golem_vpn.exeunit.results import CommandResult, Outcome
from golem_vpn.moments import RisingClock
from tests.unit.net.kit import make_node, running
from tests.unit.provider.kit import World

pytestmark = pytest.mark.anyio


async def test_how_many_were_given_is_remembered_until_the_batch_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BATCHES_REMEMBERED", 2)
    alice, bob = (make_node(world.wire, world.directory, name) for name in ("alice", "bob"))
    alice.knows(bob)
    bob.knows(alice)
    clock = RisingClock()
    asked: list[str] = []

    @bob.control.on(BatchResults)
    async def _answer(_sender: str, message: BatchResults) -> ResultsPage:
        asked.append(message.batch_id)
        entry = CommandResult(
            index=0,
            event_date=clock.next(),
            result=Outcome.OK,
            is_batch_finished=message.batch_id == "finished",
        )
        return ResultsPage([entry] if message.first == 0 else [], more=False)

    reader = ResultsReader(alice.control, News(alice.control))

    async def waits(batch_id: str) -> bool:
        """Tells whether a read waits for more than there is, and so asks again in the end."""
        asked.clear()
        assert len(await reader.read(alice.id, bob.id, ("activity", batch_id), 0.5, None)) == 1
        return len(asked) > 1

    async with running(alice, bob):
        assert [await waits("running") for _ in range(2)] == [False, True]
        assert [await waits("finished") for _ in range(2)] == [False, False]
        for other in ("second", "third"):
            await waits(other)
        assert not await waits("running")
        reader.forget("activity")
        assert not await waits("third")


async def test_a_silent_provider_does_not_make_a_call_last_longer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 2.0)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.05)
    alice, bob = (make_node(world.wire, world.directory, name) for name in ("alice", "bob"))
    alice.knows(bob)
    bob.knows(alice)
    asked: list[float] = []

    @bob.control.on(BatchResults)
    async def _never_answer(_sender: str, _message: BatchResults) -> ResultsPage:
        asked.append(anyio.current_time())
        await anyio.sleep_forever()
        raise AssertionError

    reader = ResultsReader(alice.control, News(alice.control))
    async with running(alice, bob):
        begin = anyio.current_time()
        assert await reader.read(alice.id, bob.id, ("activity", "batch"), 2.5, None) == []
        assert len(asked) > 1
        assert anyio.current_time() - begin < 3.9
