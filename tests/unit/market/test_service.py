"""What a daemon that was killed knows when it is back: everything, and no news get lost or come twice without need."""

import pytest

from golem_vpn import moments
from golem_vpn.store.agreements import AgreementState
from tests.unit.market.kit import asked, created, demand, negotiated, news, offer, proposed, settling, states
from tests.unit.net.kit import eventually_is
from tests.unit.provider.kit import Provider, Requestor, World

pytestmark = pytest.mark.anyio

S = AgreementState
EPOCH = moments.parse("1970-01-01T00:00:00Z")


def acquaint(alice: Requestor, bob: Provider) -> None:
    alice.node.knows(bob.node)
    bob.node.knows(alice.node)


async def test_news_that_were_handed_out_come_again_after_a_restart_unless_confirmed(world: World) -> None:
    async with world.provider() as bob:
        async with world.requestor() as alice:
            acquaint(alice, bob)
            demand_id = await demand(alice)
            await offer(bob)
            match = await proposed(alice, demand_id)
        async with world.requestor() as alice:
            acquaint(alice, bob)
            assert [one.demand_id for one in alice.market.demands.list(alice.id)] == [demand_id]
            assert await proposed(alice, demand_id) == match
            assert await news(alice, demand_id, timeout=0) == []
        async with world.requestor() as alice:
            assert await news(alice, demand_id, timeout=0) == []


async def test_a_negotiation_goes_on_after_both_restarted(world: World) -> None:
    async with world.requestor() as alice, world.provider() as bob:
        acquaint(alice, bob)
        demand_id, offer_id = await demand(alice), await offer(bob)
        draft = await negotiated(alice, demand_id, bob, offer_id)
        assert await news(bob, offer_id, timeout=0) == []
    world.board.offers.clear()
    async with world.requestor() as alice, world.provider() as bob:
        acquaint(alice, bob)
        assert list(world.board.offers) == [offer_id]
        assert await proposed(alice, demand_id) == draft
        agreement_id = await created(alice, draft)
        await alice.agreements.confirm(alice.id, agreement_id)
    async with world.requestor() as alice, world.provider() as bob:
        acquaint(alice, bob)
        async with settling(alice):
            assert (await asked(bob, offer_id)).agreement_id == agreement_id
            assert await states(alice, bob, agreement_id) == [S.PENDING, S.PENDING]
    async with world.requestor() as alice, world.provider() as bob:
        acquaint(alice, bob)
        assert (await asked(bob, offer_id)).agreement_id == agreement_id
        await bob.market.agreements.approve(bob.id, agreement_id)
        assert await states(alice, bob, agreement_id) == [S.APPROVED, S.APPROVED]


async def test_a_yes_that_the_requestor_has_not_heard_outlives_the_provider(world: World) -> None:
    async with world.requestor() as alice:
        async with world.provider() as bob:
            acquaint(alice, bob)
            demand_id, offer_id = await demand(alice), await offer(bob)
            agreement_id = await created(alice, await negotiated(alice, demand_id, bob, offer_id))
            await alice.agreements.confirm(alice.id, agreement_id)
            world.wire.cut(alice.node.endpoint, bob.node.endpoint)
            with pytest.raises(Exception, match="ask again"):
                await bob.market.agreements.approve(bob.id, agreement_id, timeout=0.1)
        async with world.provider() as bob:
            acquaint(alice, bob)
            world.wire.mend(alice.node.endpoint, bob.node.endpoint)
            async with settling(bob):
                await eventually_is([S.APPROVED, S.APPROVED], lambda: states(alice, bob, agreement_id))


async def test_events_of_agreements_follow_each_other_over_restarts(world: World) -> None:
    async with world.provider() as bob:
        dates = []
        for _ in range(3):
            async with world.requestor() as alice:
                acquaint(alice, bob)
                agreement = await alice.agreements.hire(alice.id, bob.id)
                await alice.agreements.terminate(alice.id, agreement.id)
                dates = [event.date for event in await alice.agreements.events(alice.id, EPOCH)]
        assert dates == sorted(set(dates))
        assert len(dates) == 6


async def test_one_daemon_on_both_sides(world: World) -> None:
    async with world.provider() as bob, world.requestor("bob-requestor", within=bob) as alice:
        demand_id, offer_id = await demand(alice), await offer(bob)
        agreement_id = await created(alice, await negotiated(alice, demand_id, bob, offer_id))
        await alice.agreements.confirm(alice.id, agreement_id)
        await asked(bob, offer_id)
        await bob.market.agreements.approve(bob.id, agreement_id)
        await alice.agreements.terminate(alice.id, agreement_id)
        assert await states(alice, bob, agreement_id) == [S.TERMINATED, S.TERMINATED]
        assert len(await alice.agreements.events(alice.id, EPOCH)) == 2
