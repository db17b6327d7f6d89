import pytest

from golem_vpn.activity.messages import (
    ActivityState,
    ActivityUsage,
    AwaitNews,
    BatchEvents,
    BatchResults,
    CreateActivity,
    DestroyActivity,
    ExecuteScript,
    RunningCommands,
)
from golem_vpn.errors import Forbidden, Gone, InvalidInput, NotFound
from golem_vpn.market.messages import TerminateAgreement
from golem_vpn.net.wire import Message
from golem_vpn.provider.service import refuse_to_provide
from golem_vpn.store.agreements import Role, StoredAgreement
from tests.unit.provider.kit import World

pytestmark = pytest.mark.anyio


async def test_every_message_needs_the_requestor_behind_it(world: World) -> None:
    async with world.pair() as (alice, bob), world.requestor("mallory") as mallory:
        mallory.node.knows(bob.node)
        bob.node.knows(mallory.node)
        agreement = await alice.agreements.hire(alice.id, bob.id)
        running, ended = [await alice.activities.create(alice.id, agreement.id) for _ in range(2)]
        await alice.activities.destroy(alice.id, ended)
        about: list[Message] = [
            CreateActivity("c" * 32, agreement.id),
            TerminateAgreement(agreement.id, Role.REQUESTOR, None),
            AwaitNews(alice.id, "", 0, 0),
        ]
        for activity in (running, ended):
            about += [
                ActivityState(activity),
                ActivityUsage(activity),
                ExecuteScript(activity, "b", "[]"),
                BatchResults(activity, "b", 0),
                BatchEvents(activity, "b", 0),
                RunningCommands(activity),
                DestroyActivity(activity),
            ]
        for message in about:
            with pytest.raises(Forbidden):
                await mallory.node.control.request(bob.id, message, object)


@pytest.mark.parametrize(
    "message",
    [
        ActivityState("a" * 32),
        ActivityUsage("a" * 32),
        ExecuteScript("a" * 32, "b", "[]"),
        BatchResults("a" * 32, "b", 0),
        BatchEvents("a" * 32, "b", 0),
        RunningCommands("a" * 32),
        DestroyActivity("a" * 32),
        CreateActivity("a" * 32, "1" * 64),
    ],
)
async def test_what_is_not_there(world: World, message: Message) -> None:
    async with world.pair() as (alice, bob):
        with pytest.raises(NotFound):
            await alice.node.control.request(bob.id, message, object)


async def test_odd_numbers_in_requests_do_no_harm(world: World) -> None:
    async with world.pair() as (alice, bob):
        agreement = await alice.agreements.hire(alice.id, bob.id)
        activity = await alice.activities.create(alice.id, agreement.id)
        batch = await alice.activities.exec(alice.id, activity, '[{"deploy": {}}]')
        await alice.activities.results(alice.id, activity, batch, 30)
        requests: list[Message] = []
        for number in (-5, 10**9):
            requests += [BatchResults(activity, batch, number), BatchEvents(activity, batch, number)]
            requests += [AwaitNews(alice.id, "", number, timeout) for timeout in (-1.0, float("nan"))]
        for request in requests:
            await alice.node.control.request(bob.id, request, object)


async def test_a_batch_id_that_is_too_long(world: World) -> None:
    async with world.pair() as (alice, bob):
        agreement = await alice.agreements.hire(alice.id, bob.id)
        activity = await alice.activities.create(alice.id, agreement.id)
        with pytest.raises(InvalidInput, match="batch id"):
            await alice.node.control.request(bob.id, ExecuteScript(activity, "b" * 65, "[]"), object)


async def test_a_node_that_is_no_provider_says_so(world: World) -> None:
    async with world.requestor() as alice, world.requestor("carol") as carol:
        alice.node.knows(carol.node)
        refuse_to_provide(carol.node.control)
        with pytest.raises(Forbidden, match="started without --provider"):
            await alice.agreements.hire(alice.id, carol.id)


async def test_an_agreement_that_ends_while_an_activity_is_made(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world.pair() as (alice, bob):
        agreement = await alice.agreements.hire(alice.id, bob.id)
        create = bob.activities.create

        async def create_too_late(activity_id: str, agreed: StoredAgreement) -> None:
            await alice.agreements.terminate(alice.id, agreement.id)
            await create(activity_id, agreed)

        monkeypatch.setattr(bob.activities, "create", create_too_late)
        with pytest.raises(Gone):
            await alice.node.control.request(bob.id, CreateActivity("c" * 32, agreement.id), object)
        unit = bob.activities.unit("c" * 32)
        assert unit is not None
        assert not unit.is_live
