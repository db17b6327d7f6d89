import pytest

from golem_vpn.store.agreements import AgreementState
from golem_vpn.store.market import ProposalState
from tests.unit.market.kit import (
    CONDITION,
    DEMAND,
    OFFER,
    WISH,
    asked,
    created,
    demand,
    offer,
    proposed,
    states,
)
from tests.unit.provider.kit import World

pytestmark = pytest.mark.anyio


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
        assert one.demand_id == demand_id
        assert one.offer_id == offer_id
        assert one.demand_properties == other.demand_properties == wished
        assert one.offer_properties == other.offer_properties == OFFER | {"price": 0.5}

        await alice.agreements.terminate(alice.id, agreement_id, {"message": "done", "golem.requestor.code": "Success"})
        assert await states(alice, bob, agreement_id) == [AgreementState.TERMINATED] * 2
