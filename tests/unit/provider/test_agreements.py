from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from golem_vpn.errors import Conflict, Forbidden, Gone, InvalidInput, NotFound
from golem_vpn.market.messages import Hire, Hired, TerminateAgreement
from golem_vpn.provider.agreements import joined_with
from golem_vpn.store.agreements import Role
from tests.unit.net.kit import cluster, make_node
from tests.unit.provider.kit import Provider, Requestor, World

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def hire_by(requestor: Requestor, **changes: Any) -> Hire:
    message = Hire("1" * 64, requestor.id, "d", {}, NOON, NOON + timedelta(hours=1))
    return msgspec.structs.replace(message, **changes)


async def hire(requestor: Requestor, provider: Provider, **changes: Any) -> Hired:
    return await requestor.node.control.request(provider.id, hire_by(requestor, **changes), Hired)


async def terminate(requestor: Requestor, provider: Provider) -> None:
    message = TerminateAgreement("1" * 64, Role.REQUESTOR, {"message": "done"})
    await requestor.node.control.request(provider.id, message, type(None))


async def test_the_same_hire_again_has_the_same_answer(world: World) -> None:
    async with world.pair(maximum=1) as (alice, bob):
        first = await hire(alice, bob)
        assert await hire(alice, bob) == first
        agreement = await bob.agreements.live(alice.id, "1" * 64)
        assert (agreement.requestor_id, agreement.provider_id, agreement.offer_id) == (alice.id, bob.id, first.offer_id)


async def test_an_agreement_that_has_ended_is_not_made_again(world: World) -> None:
    async with world.pair() as (alice, bob):
        await hire(alice, bob)
        await terminate(alice, bob)
        await terminate(alice, bob)
        with pytest.raises(Gone):
            await hire(alice, bob)


async def test_a_full_provider(world: World) -> None:
    async with world.pair(maximum=1) as (alice, bob):
        await hire(alice, bob)
        with pytest.raises(Conflict, match="1 agreements already"):
            await hire(alice, bob, agreement_id="2" * 64)
        await terminate(alice, bob)
        await hire(alice, bob, agreement_id="2" * 64)


async def test_a_node_that_has_joined_no_hub_of_the_provider(world: World) -> None:
    async with world.pair() as (alice, bob):
        bob.strangers.add(alice.id)
        with pytest.raises(Forbidden, match="own hub only"):
            await hire(alice, bob)


async def test_who_has_joined_the_same_hub(world: World) -> None:
    async with cluster(world.wire, world.directory) as nodes:
        hub = await nodes.start("hub", hub=True)
        provider = await nodes.start("provider", join=hub)
        is_known = joined_with(provider.node.directory)
        assert await is_known(hub.id)
        assert await is_known(provider.id)
        stranger = await nodes.start("stranger")
        assert not await is_known(stranger.id)


async def test_a_requestor_that_the_sender_has_not_proven_to_be(world: World) -> None:
    async with world.pair() as (alice, bob):
        with pytest.raises(Forbidden, match="is not an identity of the node that asks"):
            await hire(alice, bob, requestor_id="0x" + "c" * 40)
        with pytest.raises(Forbidden):
            await hire(alice, bob, requestor_id=bob.id)


async def test_another_identity_of_the_same_node(world: World) -> None:
    node = make_node(world.wire, world.directory, "alice")
    second = node.control.identities.create("second")
    async with world.pair() as (alice, bob):
        await hire(alice, bob, requestor_id=second.node_id)
        assert (await bob.agreements.live(alice.id, "1" * 64)).requestor_id == second.node_id


async def test_an_agreement_of_somebody_else(world: World) -> None:
    async with world.pair() as (alice, bob), world.requestor("mallory") as mallory:
        mallory.node.knows(bob.node)
        bob.node.knows(mallory.node)
        await hire(alice, bob)
        with pytest.raises(Forbidden):
            await bob.agreements.live(mallory.id, "1" * 64)
        with pytest.raises(Forbidden):
            await terminate(mallory, bob)
        with pytest.raises(Forbidden):
            await hire(mallory, bob)


async def test_agreements_that_are_not_there(world: World) -> None:
    async with world.pair() as (alice, bob):
        await terminate(alice, bob)
        with pytest.raises(NotFound):
            await bob.agreements.live(alice.id, "1" * 64)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"agreement_id": "../x"}, "64 hex digits"),
        ({"demand_properties": {"golem.srv.comp.task_package": "http://x"}}, "task_package"),
        ({"demand_properties": {"golem.inf.mem.gib": -1}}, "positive number"),
    ],
)
async def test_a_demand_that_cannot_be_followed(world: World, changes: dict[str, Any], complaint: str) -> None:
    async with world.pair() as (alice, bob):
        with pytest.raises(InvalidInput, match=complaint):
            await hire(alice, bob, **changes)
