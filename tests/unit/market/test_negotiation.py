from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import anyio
import msgspec
import pytest

from golem_vpn import moments
from golem_vpn.errors import Conflict, Forbidden, Gone, InvalidInput, NotFound
from golem_vpn.market.documents import Proposal, ProposalEvent, ProposalRejectedEvent
from golem_vpn.market.ids import key_of, new_key
from golem_vpn.market.messages import CounterProposal, RejectProposal
from golem_vpn.store.agreements import AgreementState, Role
from golem_vpn.store.market import ProposalState
from tests.unit.market.kit import (
    CONDITION,
    DEMAND,
    OFFER,
    WISH,
    asked,
    created,
    demand,
    negotiated,
    news,
    offer,
    proposed,
    settling,
    states,
)
from tests.unit.provider.kit import Provider, Requestor, World

pytestmark = pytest.mark.anyio


async def answer(alice: Requestor, demand_id: str, proposal_id: str) -> str:
    return await alice.market.demands.counter(alice.id, demand_id, proposal_id, DEMAND, WISH)


async def respond(bob: Provider, offer_id: str, proposal_id: str) -> str:
    return await bob.market.offers.counter(bob.id, offer_id, proposal_id, OFFER, CONDITION)


async def test_from_a_match_to_an_agreement_and_its_end(world: World) -> None:
    async with world.pair() as (alice, bob):
        demand_id, offer_id = await demand(alice), await offer(bob)
        match = await proposed(alice, demand_id)
        assert (match.state, match.issuer_id, match.prev_proposal_id) == (ProposalState.INITIAL, bob.id, None)
        assert (match.properties, match.constraints) == (OFFER, CONDITION)

        wished = DEMAND | {"golem.com.payment.chosen-platform": "erc20-holesky-tglm"}
        own_id = await alice.market.demands.counter(alice.id, demand_id, match.proposal_id, wished, WISH)
        own = await alice.market.demands.show(alice.id, demand_id, own_id)
        assert (own.state, own.issuer_id, own.prev_proposal_id) == (ProposalState.DRAFT, alice.id, match.proposal_id)

        wish = await proposed(bob, offer_id)
        assert (wish.state, wish.issuer_id, wish.properties) == (ProposalState.DRAFT, alice.id, wished)
        assert wish.prev_proposal_id is not None
        itself = await bob.market.offers.show(bob.id, offer_id, wish.prev_proposal_id)
        assert (itself.state, itself.properties) == (ProposalState.INITIAL, OFFER)

        await bob.market.offers.counter(bob.id, offer_id, wish.proposal_id, OFFER | {"price": 0.5}, CONDITION)
        draft = await proposed(alice, demand_id)
        assert (draft.state, draft.issuer_id, draft.prev_proposal_id) == (ProposalState.DRAFT, bob.id, own_id)

        agreement_id = await created(alice, draft)
        await alice.agreements.confirm(alice.id, agreement_id, "session")
        agreement = await asked(bob, offer_id)
        assert (agreement.agreement_id, agreement.state) == (agreement_id, AgreementState.PENDING)
        await bob.market.agreements.approve(bob.id, agreement_id)
        await alice.agreements.wait(alice.id, agreement_id, 20)
        one, other = (
            await alice.agreements.show(alice.id, agreement_id),
            await bob.agreements.live(alice.id, agreement_id),
        )
        assert one.demand_id == other.demand_id == demand_id
        assert one.offer_id == other.offer_id == offer_id
        assert one.demand_properties == other.demand_properties == wished
        assert one.offer_properties == other.offer_properties == OFFER | {"price": 0.5}

        await alice.agreements.terminate(alice.id, agreement_id, {"message": "done", "golem.requestor.code": "Success"})
        assert await states(alice, bob, agreement_id) == [AgreementState.TERMINATED] * 2


async def test_several_rounds(world: World) -> None:
    async with world.pair() as (alice, bob):
        demand_id, offer_id = await demand(alice), await offer(bob)
        draft = await negotiated(alice, demand_id, bob, offer_id)
        for _ in range(3):
            await answer(alice, demand_id, draft.proposal_id)
            wish = await proposed(bob, offer_id)
            await respond(bob, offer_id, wish.proposal_id)
            following = await proposed(alice, demand_id)
            assert following.prev_proposal_id not in {None, draft.prev_proposal_id}
            draft = following
        assert await created(alice, draft)


async def test_a_draft_whose_agreement_failed_starts_a_new_round(world: World) -> None:
    async with world.pair() as (alice, bob):
        demand_id, offer_id = await demand(alice), await offer(bob)
        draft = await negotiated(alice, demand_id, bob, offer_id)
        agreement_id = await created(alice, draft)
        with pytest.raises(Conflict, match="Accepted"):
            await created(alice, draft)
        await alice.agreements.confirm(alice.id, agreement_id)
        await asked(bob, offer_id)
        await bob.market.agreements.reject(bob.id, agreement_id, {"message": "busy"})
        with pytest.raises(Gone, match="Rejected"):
            await alice.agreements.wait(alice.id, agreement_id, 20)

        await answer(alice, demand_id, draft.proposal_id)
        await respond(bob, offer_id, (await proposed(bob, offer_id)).proposal_id)
        second = await proposed(alice, demand_id)
        assert second.proposal_id != draft.proposal_id
        assert await created(alice, second)
        assert await created(alice, draft), "the draft is free again, too"


async def test_a_match_is_told_once_and_a_new_offer_is_a_new_match(world: World) -> None:
    async with world.pair() as (alice, bob):
        demand_id, offer_id = await demand(alice), await offer(bob)
        first = await proposed(alice, demand_id)
        assert await news(alice, demand_id, timeout=0) == []
        await bob.market.offers.remove(bob.id, offer_id)
        await offer(bob)
        assert (await proposed(alice, demand_id)).proposal_id != first.proposal_id


async def test_what_does_not_fit_or_is_withdrawn_is_not_told(world: World) -> None:
    async with world.pair() as (alice, bob):
        demand_id = await demand(alice)
        await offer(bob, OFFER | {"golem.inf.mem.gib": 1.0})
        await offer(bob, constraints="(golem.node.debug.subnet=other)")
        await bob.market.offers.remove(bob.id, await offer(bob))
        assert await news(alice, demand_id, timeout=0) == []


async def test_news_come_in_portions(world: World) -> None:
    async with world.pair() as (alice, bob):
        demand_id = await demand(alice)
        offers = [await offer(bob, OFFER | {"number": number}) for number in range(5)]
        portions = [await news(alice, demand_id, timeout=0, max_events=2) for _ in range(4)]
        assert [len(portion) for portion in portions] == [2, 2, 1, 0]
        proposals = [event.proposal for portion in portions for event in portion if isinstance(event, ProposalEvent)]
        assert [proposal.properties["number"] for proposal in proposals] == list(range(len(offers)))


async def test_a_poll_ends_when_the_demand_goes(world: World) -> None:
    async with world.pair() as (alice, _):
        demand_id = await demand(alice)

        async def remove() -> None:
            await anyio.wait_all_tasks_blocked()
            await alice.market.demands.remove(alice.id, demand_id)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(remove)
            with pytest.raises(NotFound):
                await news(alice, demand_id)
        with pytest.raises(NotFound):
            await alice.market.demands.remove(alice.id, demand_id)
        assert alice.market.demands.list(alice.id) == []


async def test_a_rejection_by_the_requestor(world: World) -> None:
    async with world.pair() as (alice, bob):
        demand_id, offer_id = await demand(alice), await offer(bob)
        draft = await negotiated(alice, demand_id, bob, offer_id)
        await alice.market.demands.reject(alice.id, demand_id, draft.proposal_id, {"message": "too dear"})
        [event] = await news(bob, offer_id)
        assert isinstance(event, ProposalRejectedEvent)
        assert event.reason == {"message": "too dear"}
        rejected = await bob.market.offers.show(bob.id, offer_id, event.proposal_id)
        assert (rejected.state, rejected.issuer_id) == (ProposalState.REJECTED, bob.id)
        for step in (answer(alice, demand_id, draft.proposal_id), created(alice, draft)):
            with pytest.raises(Gone, match="Rejected"):
                await step
        with pytest.raises(Gone):
            await alice.market.demands.reject(alice.id, demand_id, draft.proposal_id)


async def test_a_rejection_by_the_provider(world: World) -> None:
    async with world.pair() as (alice, bob):
        demand_id, offer_id = await demand(alice), await offer(bob)
        own_id = await answer(alice, demand_id, (await proposed(alice, demand_id)).proposal_id)
        wish = await proposed(bob, offer_id)
        await bob.market.offers.reject(bob.id, offer_id, wish.proposal_id)
        [event] = await news(alice, demand_id)
        assert isinstance(event, ProposalRejectedEvent)
        assert event.proposal_id == own_id
        with pytest.raises(Gone, match="Rejected"):
            await respond(bob, offer_id, wish.proposal_id)


async def test_a_match_that_is_rejected_is_nobody_elses_business(world: World) -> None:
    async with world.pair() as (alice, bob):
        demand_id, offer_id = await demand(alice), await offer(bob)
        match = await proposed(alice, demand_id)
        await alice.market.demands.reject(alice.id, demand_id, match.proposal_id)
        assert await news(bob, offer_id, timeout=0) == []
        assert (await alice.market.demands.show(alice.id, demand_id, match.proposal_id)).state is ProposalState.REJECTED


async def test_an_offer_that_is_gone_cannot_be_answered(world: World) -> None:
    async with world.pair() as (alice, bob):
        demand_id, offer_id = await demand(alice), await offer(bob)
        match = await proposed(alice, demand_id)
        await bob.market.offers.remove(bob.id, offer_id)
        with pytest.raises(Gone, match="withdrawn"):
            await answer(alice, demand_id, match.proposal_id)


async def test_a_demand_that_is_gone_cannot_be_answered(world: World) -> None:
    async with world.pair() as (alice, bob):
        demand_id, offer_id = await demand(alice), await offer(bob)
        await answer(alice, demand_id, (await proposed(alice, demand_id)).proposal_id)
        await alice.market.demands.remove(alice.id, demand_id)
        with pytest.raises(Gone, match="the demand is gone"):
            await respond(bob, offer_id, (await proposed(bob, offer_id)).proposal_id)


async def test_a_provider_that_is_away_hears_of_an_answer_later(world: World) -> None:
    async with world.pair() as (alice, bob):
        demand_id, offer_id = await demand(alice), await offer(bob)
        match = await proposed(alice, demand_id)
        world.wire.cut(alice.node.endpoint, bob.node.endpoint)
        own_id = await answer(alice, demand_id, match.proposal_id)
        assert (await alice.market.demands.show(alice.id, demand_id, own_id)).state is ProposalState.DRAFT
        world.wire.mend(alice.node.endpoint, bob.node.endpoint)
        async with settling(alice):
            assert key_of((await proposed(bob, offer_id)).proposal_id) == key_of(own_id)


async def test_an_answer_that_arrived_while_its_own_answer_got_lost_is_there_once(world: World) -> None:
    async with world.pair() as (alice, bob):
        demand_id, offer_id = await demand(alice), await offer(bob)
        match = await proposed(alice, demand_id)
        own_id = await answer(alice, demand_id, match.proposal_id)
        message = counter_of(alice, demand_id, offer_id, match, key_of(own_id))
        await alice.node.control.request(bob.id, message, type(None))
        assert len(await news(bob, offer_id)) == 1
        await alice.node.control.request(bob.id, message, type(None))
        assert await news(bob, offer_id, timeout=0) == []


async def test_own_proposals_are_neither_answered_nor_rejected_nor_agreed_upon(world: World) -> None:
    async with world.pair() as (alice, bob):
        demand_id, offer_id = await demand(alice), await offer(bob)
        match = await proposed(alice, demand_id)
        own_id = await answer(alice, demand_id, match.proposal_id)
        own = await alice.market.demands.show(alice.id, demand_id, own_id)
        wish = await proposed(bob, offer_id)
        for step in (
            answer(alice, demand_id, own_id),
            alice.market.demands.reject(alice.id, demand_id, own_id),
            created(alice, own),
            bob.market.agreements.create(bob.id, wish.proposal_id, moments.now() + timedelta(hours=1)),
        ):
            with pytest.raises(InvalidInput):
                await step
        with pytest.raises(Conflict, match="Initial"):
            await created(alice, match)


async def test_what_is_not_there_or_anothers(world: World) -> None:
    async with world.pair() as (alice, bob):
        demand_id, offer_id = await demand(alice), await offer(bob)
        match = await proposed(alice, demand_id)
        for step in (
            answer(alice, demand_id, "R-" + "0" * 64),
            answer(alice, "0" * 64, match.proposal_id),
            answer(alice, await demand(alice), match.proposal_id),
            alice.market.demands.events(alice.id, offer_id),
        ):
            with pytest.raises(NotFound):
                await step
        for foreign in (
            alice.market.demands.events(bob.id, demand_id),
            alice.market.demands.remove(bob.id, demand_id),
            bob.market.offers.show(alice.id, offer_id, match.proposal_id),
        ):
            with pytest.raises(Forbidden):
                await foreign


@pytest.mark.parametrize(
    ("properties", "constraints"),
    [
        ({"a": 1}, "(a=1"),
        ({"a": 1}, "a"),
        ({"a": {"b": 1}, "a.b": 2}, "()"),
        ({"": 1}, "()"),
        ({"a": "x" * 300_000}, "()"),
    ],
)
async def test_malformed_terms_change_nothing(world: World, properties: dict[str, object], constraints: str) -> None:
    async with world.pair() as (alice, bob):
        demand_id, offer_id = await demand(alice), await offer(bob)
        match = await proposed(alice, demand_id)
        for step in (
            alice.market.demands.create(alice.id, properties, constraints),
            bob.market.offers.create(bob.id, properties, constraints),
            alice.market.demands.counter(alice.id, demand_id, match.proposal_id, properties, constraints),
        ):
            with pytest.raises(InvalidInput):
                await step
        assert len(alice.market.demands.list(alice.id)) == len(bob.market.offers.list(bob.id)) == 1
        assert await news(bob, offer_id, timeout=0) == []


@asynccontextmanager
async def forger(world: World, bob: Provider) -> AsyncIterator[Requestor]:
    async with world.requestor("mallory") as mallory:
        mallory.node.knows(bob.node)
        bob.node.knows(mallory.node)
        yield mallory


async def test_nobody_answers_or_rejects_in_anothers_name(world: World) -> None:
    async with world.pair() as (alice, bob), forger(world, bob) as mallory:
        demand_id, offer_id = await demand(alice), await offer(bob)
        match = await proposed(alice, demand_id)
        forged = counter_of(alice, demand_id, offer_id, match, new_key())
        with pytest.raises(Forbidden, match="is not an identity"):
            await mallory.node.control.request(bob.id, forged, type(None))

        await answer(alice, demand_id, match.proposal_id)
        response = await respond(bob, offer_id, (await proposed(bob, offer_id)).proposal_id)
        stolen = CounterProposal(
            to=Role.PROVIDER, proposal=new_key(), previous=key_of(response), demand_id=demand_id, offer_id=offer_id,
            issuer_id=mallory.id, properties=DEMAND, constraints=WISH,
        )  # fmt: skip
        with pytest.raises(Forbidden, match="proposed to another identity"):
            await mallory.node.control.request(bob.id, stolen, type(None))
        no = RejectProposal(Role.PROVIDER, key_of(response), alice.id, None)
        with pytest.raises(Forbidden):
            await mallory.node.control.request(bob.id, no, type(None))


async def test_malformed_messages(world: World) -> None:
    async with world.pair() as (alice, bob):
        demand_id, offer_id = await demand(alice), await offer(bob)
        match = await proposed(alice, demand_id)
        good = counter_of(alice, demand_id, offer_id, match, new_key())
        for changes, error in (
            ({"proposal": "../x"}, InvalidInput),
            ({"previous": "x"}, InvalidInput),
            ({"constraints": "(a"}, InvalidInput),
            ({"properties": {"": 1}}, InvalidInput),
            ({"previous": new_key()}, NotFound),
            ({"offer_id": "x"}, Gone),
            ({"to": Role.REQUESTOR}, Gone),
        ):
            with pytest.raises(error):
                await alice.node.control.request(bob.id, msgspec.structs.replace(good, **changes), type(None))
        assert await news(bob, offer_id, timeout=0) == []


def counter_of(alice: Requestor, demand_id: str, offer_id: str, match: Proposal, key: str) -> CounterProposal:
    return CounterProposal(
        to=Role.PROVIDER,
        proposal=key,
        previous=key_of(match.proposal_id),
        demand_id=demand_id,
        offer_id=offer_id,
        issuer_id=alice.id,
        properties=DEMAND,
        constraints=WISH,
    )
