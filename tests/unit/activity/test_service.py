import json
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from golem_vpn.activity import service as module
from golem_vpn.activity.service import MAX_SCRIPT_BYTES
from golem_vpn.errors import Conflict, Forbidden, Gone, InvalidInput, NotFound, PeerUnreachable
from golem_vpn.exeunit.results import CommandResult, Outcome
from golem_vpn.exeunit.state import State, StatePair
from golem_vpn.exeunit.status import DURATION, PROCESSOR_TIME
from tests.unit.exeunit.kit import FOREIGN_NETWORK, shell, text_of
from tests.unit.net.kit import eventually_is
from tests.unit.provider.kit import Provider, Requestor, World

pytestmark = pytest.mark.anyio

STRANGER = "0x" + "c" * 40

Call = Callable[[str, str], Awaitable[object]]
"""A request of an identity about an activity."""


async def create(alice: Requestor, bob: Provider) -> str:
    agreement = await alice.agreements.hire(alice.id, bob.id)
    return await alice.activities.create(alice.id, agreement.id)


async def begin(alice: Requestor, activity_id: str, *commands: dict[str, Any]) -> str:
    return await alice.activities.exec(alice.id, activity_id, json.dumps(commands))


async def do(alice: Requestor, activity_id: str, *commands: dict[str, Any]) -> list[CommandResult]:
    batch_id = await begin(alice, activity_id, *commands)
    return await alice.activities.results(alice.id, activity_id, batch_id, timeout=30, command_index=len(commands) - 1)


async def test_a_payload_from_beginning_to_end(world: World) -> None:
    async with world.pair() as (alice, bob):
        agreement = await alice.agreements.hire(alice.id, bob.id)
        activity_id = await alice.activities.create(alice.id, agreement.id)
        assert (await alice.activities.state(alice.id, activity_id)).pair == StatePair(State.INITIALIZED)
        assert (await alice.activities.agreement(alice.id, activity_id)).id == agreement.id

        deployed, started, ran = await do(alice, activity_id, {"deploy": {}}, {"start": {}}, shell("echo hello"))
        assert [deployed.result, started.result, ran.result] == [Outcome.OK] * 3
        assert text_of(ran) == "hello\n"
        assert (await alice.activities.state(alice.id, activity_id)).pair == StatePair(State.READY)
        usage = (await alice.activities.usage(alice.id, activity_id)).counters
        assert list(usage) == [DURATION, PROCESSOR_TIME]
        assert usage[PROCESSOR_TIME] == 1.5

        await alice.activities.destroy(alice.id, activity_id)
        assert (await alice.activities.state(alice.id, activity_id)).pair == StatePair(State.TERMINATED)
        assert (await alice.activities.usage(alice.id, activity_id)).counters[PROCESSOR_TIME] == 1.5
        assert bob.runtimes[0].stopped == 1
        await alice.activities.destroy(alice.id, activity_id)


async def test_a_daemon_that_hires_itself(world: World) -> None:
    async with world.provider() as bob, world.requestor("bob-requestor", within=bob) as alice:
        activity_id = await create(alice, bob)
        *_, ran = await do(alice, activity_id, {"deploy": {}}, {"start": {}}, shell("echo mine"))
        assert text_of(ran) == "mine\n"
        await alice.activities.destroy(alice.id, activity_id)


async def test_results_come_when_there_is_something_new(world: World) -> None:
    async with world.pair() as (alice, bob):
        activity_id = await create(alice, bob)
        batch_id = await begin(
            alice, activity_id, {"deploy": {}}, {"start": {}}, shell("sleep 0.1"), shell("sleep 1000")
        )

        async def poll(timeout: float) -> list[int]:
            entries = await alice.activities.results(alice.id, activity_id, batch_id, timeout)
            return [entry.index for entry in entries]

        seen = 0
        while seen < 3:
            indexes = await poll(30)
            assert indexes == list(range(len(indexes)))
            assert len(indexes) > seen
            seen = len(indexes)
        assert await poll(0.01) == [0, 1, 2]
        assert await poll(0) == [0, 1, 2]
        assert len(await alice.activities.results(alice.id, activity_id, batch_id, 0, max_items=2)) == 2


async def test_results_that_need_several_messages(world: World) -> None:
    async with world.pair() as (alice, bob):
        activity_id = await create(alice, bob)
        commands = [shell("head -c 200000 /dev/zero | tr '\\0' x")] * 12
        *_, last = results = await do(alice, activity_id, {"deploy": {}}, {"start": {}}, *commands)
        assert [result.index for result in results] == list(range(14))
        assert len(text_of(last)) == 200_000


async def test_a_bad_script_never_leaves_the_node(world: World) -> None:
    async with world.pair() as (alice, bob):
        activity_id = await create(alice, bob)
        world.wire.cut(alice.node.endpoint, bob.node.endpoint)
        with pytest.raises(InvalidInput, match="no commands"):
            await alice.activities.exec(alice.id, activity_id, "[]")
        with pytest.raises(InvalidInput, match="at most"):
            await alice.activities.exec(alice.id, activity_id, " " * (MAX_SCRIPT_BYTES + 1))


async def test_activities_of_others_and_of_none(world: World) -> None:
    async with world.pair() as (alice, bob):
        activity_id = await create(alice, bob)
        service = alice.activities
        calls: list[Call] = [
            service.state,
            service.usage,
            service.agreement,
            service.destroy,
            service.running,
            lambda owner, activity: service.events(owner, activity, "b"),
            lambda owner, activity: service.exec(owner, activity, '[{"sign": {}}]'),
            lambda owner, activity: service.results(owner, activity, "b", 0),
        ]
        for call in calls:
            with pytest.raises(Forbidden):
                await call(STRANGER, activity_id)
            with pytest.raises(NotFound):
                await call(alice.id, "0" * 32)
        with pytest.raises(NotFound, match="no batch b"):
            await alice.activities.results(alice.id, activity_id, "b", 0)


async def test_no_activity_under_an_agreement_that_has_ended(world: World) -> None:
    async with world.pair() as (alice, bob):
        agreement = await alice.agreements.hire(alice.id, bob.id)
        await alice.agreements.terminate(alice.id, agreement.id)
        with pytest.raises(Gone):
            await alice.activities.create(alice.id, agreement.id)


async def test_the_end_of_the_agreement_ends_its_activities_and_destroy_is_still_fine(world: World) -> None:
    async with world.pair() as (alice, bob):
        activity_id = await create(alice, bob)
        await do(alice, activity_id, {"deploy": {}}, {"start": {}})
        batch_id = await begin(alice, activity_id, shell("sleep 1000"))
        agreement = await alice.activities.agreement(alice.id, activity_id)
        await alice.agreements.terminate(alice.id, agreement.id, {"message": "done"})

        async def pair() -> StatePair:
            return (await alice.activities.state(alice.id, activity_id)).pair

        await eventually_is(StatePair(State.TERMINATED), pair)
        status = await alice.activities.state(alice.id, activity_id)
        assert status.reason == "the agreement was terminated: done"
        [ended] = await alice.activities.results(alice.id, activity_id, batch_id)
        assert ended.message == "the activity was terminated: the agreement was terminated: done"
        await alice.activities.destroy(alice.id, activity_id)


async def test_a_provider_that_is_away(world: World) -> None:
    async with world.pair() as (alice, bob):
        activity_id = await create(alice, bob)
        world.wire.cut(alice.node.endpoint, bob.node.endpoint)
        status = await alice.activities.state(alice.id, activity_id)
        assert status.pair == StatePair(State.UNRESPONSIVE)
        assert status.reason is not None
        with pytest.raises(PeerUnreachable):
            await begin(alice, activity_id, {"deploy": {}})
        with pytest.raises(PeerUnreachable):
            await alice.activities.usage(alice.id, activity_id)
        assert await alice.activities.results(alice.id, activity_id, "b", timeout=0.01) == []

        world.wire.mend(alice.node.endpoint, bob.node.endpoint)
        assert (await alice.activities.state(alice.id, activity_id)).pair == StatePair(State.INITIALIZED)


async def test_waiting_for_results_goes_on_across_a_lost_connection(world: World) -> None:
    async with world.pair() as (alice, bob):
        activity_id = await create(alice, bob)
        batch_id = await begin(alice, activity_id, {"deploy": {}}, {"start": {}})
        world.wire.cut(alice.node.endpoint, bob.node.endpoint)

        async def mend() -> None:
            await anyio.wait_all_tasks_blocked()
            world.wire.mend(alice.node.endpoint, bob.node.endpoint)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(mend)
            entries = await alice.activities.results(alice.id, activity_id, batch_id, timeout=30, command_index=1)
        assert len(entries) == 2


async def test_a_script_whose_answer_got_lost_runs_once(world: World) -> None:
    async with world.pair() as (alice, bob):
        activity_id = await create(alice, bob)
        await do(alice, activity_id, {"deploy": {}}, {"start": {}})
        lost: list[bytes] = []

        def lose_first(message: bytes) -> bool:
            if b"execute-script" in message and not lost:
                lost.append(message)
                return True
            return False

        alice.node.endpoint.lose = lose_first
        [ran] = await do(alice, activity_id, shell("echo once >> count; cat count"))
        assert lost
        assert text_of(ran) == "once\n"


async def test_destroying_while_the_provider_is_away_is_made_up_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.05)
    async with world.pair() as (alice, bob):
        activity_id = await create(alice, bob)
        await do(alice, activity_id, {"deploy": {}}, {"start": {}})
        world.wire.cut(alice.node.endpoint, bob.node.endpoint)
        await alice.activities.destroy(alice.id, activity_id)
        assert (await alice.activities.state(alice.id, activity_id)).pair == StatePair(State.TERMINATED)
        with pytest.raises(Gone, match="destroyed by the requestor"):
            await begin(alice, activity_id, {"sign": {}})
        assert bob.runtimes[0].stopped == 0
        world.wire.mend(alice.node.endpoint, bob.node.endpoint)

        async def has_usage() -> bool:
            return (await alice.activities.usage(alice.id, activity_id)).counters[PROCESSOR_TIME] > 0

        await eventually_is(True, has_usage)
        assert bob.runtimes[0].stopped == 1


async def test_the_activities_that_have_not_ended(world: World) -> None:
    async with world.pair() as (alice, bob):
        agreement = await alice.agreements.hire(alice.id, bob.id)
        first, second = [await alice.activities.create(alice.id, agreement.id) for _ in range(2)]
        assert await alice.activities.live_ids(alice.id) == [first, second]
        assert await alice.activities.live_ids(STRANGER) == []
        await alice.activities.destroy(alice.id, first)
        assert await alice.activities.live_ids(alice.id) == [second]


async def test_a_batch_is_known_to_a_requestor_that_restarted(world: World) -> None:
    async with world.provider() as bob:
        async with world.requestor() as alice:
            alice.node.knows(bob.node)
            bob.node.knows(alice.node)
            activity_id = await create(alice, bob)
            batch_id = await begin(alice, activity_id, {"deploy": {}}, {"start": {}})
        async with world.requestor() as alice:
            alice.node.knows(bob.node)
            bob.node.knows(alice.node)
            results = await alice.activities.results(alice.id, activity_id, batch_id, 30, command_index=1)
            assert [result.result for result in results] == [Outcome.OK] * 2
            *_, ran = await do(alice, activity_id, shell("echo again"))
            assert text_of(ran) == "again\n"


async def test_an_agreement_goes_on_with_another_activity_when_the_provider_restarted(world: World) -> None:
    async with world.requestor() as alice:
        async with world.provider() as bob:
            alice.node.knows(bob.node)
            bob.node.knows(alice.node)
            activity_id = await create(alice, bob)
            agreement = await alice.activities.agreement(alice.id, activity_id)
        async with world.provider() as bob:
            alice.node.knows(bob.node)
            bob.node.knows(alice.node)
            another = await alice.activities.create(alice.id, agreement.id)
            *_, ran = await do(alice, another, {"deploy": {}}, {"start": {}}, shell("echo again"))
            assert text_of(ran) == "again\n"


async def test_a_provider_without_room_leaves_no_activity(world: World) -> None:
    async with world.pair(maximum=1) as (alice, bob):
        agreement = await alice.agreements.hire(alice.id, bob.id)
        await alice.activities.create(alice.id, agreement.id)
        with pytest.raises(Conflict, match="runs 1 activities already"):
            await alice.activities.create(alice.id, agreement.id)


async def test_a_foreign_network_is_refused_by_name(world: World) -> None:
    async with world.pair() as (alice, bob):
        activity_id = await create(alice, bob)
        network = {"id": FOREIGN_NETWORK, "ip": "10.0.0.0/24", "nodeIp": "10.0.0.2"}
        *_, refused = await do(alice, activity_id, {"deploy": {"net": [network]}}, {"start": {}})
        assert refused.message == "the network is not the requestor's"


async def test_a_provider_that_shuts_down_ends_its_activities_and_says_so_when_it_is_back(world: World) -> None:
    async with world.requestor() as alice:
        async with world.provider() as bob:
            alice.node.knows(bob.node)
            bob.node.knows(alice.node)
            activity_id = await create(alice, bob)
            await do(alice, activity_id, {"deploy": {}}, {"start": {}})
            await begin(alice, activity_id, shell("sleep 1000"))
        assert bob.runtimes[0].stopped == 1
        async with world.provider() as bob:
            alice.node.knows(bob.node)
            bob.node.knows(alice.node)
            status = await alice.activities.state(alice.id, activity_id)
            assert status.pair == StatePair(State.TERMINATED)
            assert status.reason == "the provider's daemon is shutting down"
            with pytest.raises(Gone, match="shutting down"):
                await alice.activities.results(alice.id, activity_id, "b", timeout=0)
            await alice.activities.destroy(alice.id, activity_id)
