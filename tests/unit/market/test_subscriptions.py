import anyio
import pytest

from golem_vpn.errors import Conflict, Overloaded
from golem_vpn.market import incoming, negotiation, subscriptions
from tests.unit.market.kit import DEMAND, WISH, demand, news, offer, proposed
from tests.unit.provider.kit import World

pytestmark = pytest.mark.anyio


async def test_there_are_only_so_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "MAX_SUBSCRIPTIONS", 1)
    async with world.pair() as (alice, bob):
        await demand(alice)
        await offer(bob)
        for step in (demand(alice), offer(bob)):
            with pytest.raises(Overloaded, match="at most"):
                await step


async def test_news_nobody_asks_for_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "MAX_WAITING", 2)
    async with world.pair() as (alice, bob):
        demand_id, offer_id = await demand(alice), await offer(bob)
        match = await proposed(alice, demand_id)

        async def answer() -> None:
            await alice.market.demands.counter(alice.id, demand_id, match.proposal_id, DEMAND, WISH)

        await answer()
        await answer()
        with pytest.raises(Conflict, match="more news waiting"):
            await answer()
        assert len(await news(bob, offer_id)) == 2
        await answer()


@pytest.mark.parametrize("module", [negotiation, incoming])
async def test_two_sides_make_each_other_only_so_many_proposals(
    world: World, monkeypatch: pytest.MonkeyPatch, module: object
) -> None:
    monkeypatch.setattr(module, "MAX_PROPOSALS", 2)
    async with world.pair() as (alice, bob):
        demand_id, _ = await demand(alice), await offer(bob)
        match = await proposed(alice, demand_id)
        await alice.market.demands.counter(alice.id, demand_id, match.proposal_id, DEMAND, WISH)
        with pytest.raises(Conflict, match="between the two sides"):
            await alice.market.demands.counter(alice.id, demand_id, match.proposal_id, DEMAND, WISH)


async def test_what_its_owner_has_forgotten_goes(world: World) -> None:
    async with world.pair() as (alice, bob):
        old, new = await demand(alice), await demand(alice)
        offered = await offer(bob)
        for side, forgotten in ((alice, old), (bob, offered)):
            for kept in side.market._subscriptions.values():
                if (subscription := kept.find(forgotten)) is not None:
                    subscription.last_asked -= subscriptions.MAX_IDLE
        await alice.market.demands.remove_idle()
        await bob.market.offers.remove_idle()
        assert [one.demand_id for one in alice.market.demands.list(alice.id)] == [new]
        assert bob.market.offers.list(bob.id) == []
        assert not world.board.offers


async def test_a_poll_that_is_given_up_takes_nothing(world: World) -> None:
    async with world.pair() as (alice, bob):
        demand_id = await demand(alice)
        with anyio.move_on_after(0.1):
            await news(alice, demand_id)
        await offer(bob)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await news(alice, demand_id)
        assert (await proposed(alice, demand_id)).issuer_id == bob.id


async def test_two_polls_share_the_news(world: World) -> None:
    async with world.pair() as (alice, bob):
        demand_id = await demand(alice)
        for _ in range(4):
            await offer(bob)
        portions: list[int] = []

        async def poll() -> None:
            portions.append(len(await news(alice, demand_id, timeout=0, max_events=2)))

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(poll)
        assert sorted(portions) == [0, 2, 2]
