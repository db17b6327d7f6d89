import pytest

from golem_vpn.activity import results as module
from golem_vpn.activity.messages import BatchResults, ResultsPage
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
    asked: list[tuple[str, int]] = []

    @bob.control.on(BatchResults)
    async def _answer(_sender: str, message: BatchResults) -> ResultsPage:
        asked.append((message.batch_id, message.wait_for))
        entry = CommandResult(
            index=0,
            event_date=clock.next(),
            result=Outcome.OK,
            is_batch_finished=message.batch_id == "finished",
        )
        return ResultsPage([entry], more=False)

    reader = ResultsReader(alice.control)

    async def wait_for(batch_id: str) -> int:
        await reader.read(bob.id, "activity", batch_id, 0, None)
        return asked[-1][1]

    async with running(alice, bob):
        assert [await wait_for("running") for _ in range(2)] == [0, 1]
        assert [await wait_for("finished") for _ in range(2)] == [0, 0]
        for other in ("second", "third"):
            await wait_for(other)
        assert await wait_for("running") == 0
        reader.forget("activity")
        assert await wait_for("third") == 0
