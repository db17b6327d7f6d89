from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from golem_vpn.store.agreements import AgreementRepository, AgreementState, Role
from golem_vpn.store.database import Database
from golem_vpn.store.market import (
    MarketEventKind,
    MarketRepository,
    ProposalState,
    StoredMarketEvent,
    StoredProposal,
    StoredSubscription,
)
from tests.unit.store.test_agreements import AGREEMENT

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ALICE, BOB = ("0x" + letter * 40 for letter in "ab")

DEMAND = StoredSubscription(
    id="demand",
    role=Role.REQUESTOR,
    identity=ALICE,
    properties={"list": [1, 2.0, "x"], "none": None},
    constraints="()",
    created=NOON,
    expires=NOON + timedelta(days=1),
)
MATCH = StoredProposal(
    id="R-1",
    subscription_id=DEMAND.id,
    other_subscription_id="offer",
    identity=ALICE,
    other_identity=BOB,
    issuer_id=BOB,
    own=False,
    properties={"price": 1.0},
    constraints="()",
    created=NOON,
    state=ProposalState.INITIAL,
)
DRAFT = msgspec.structs.replace(MATCH, id="R-2", previous_id="R-1", state=ProposalState.DRAFT, own=True, told=False)
NEWS = StoredMarketEvent(subscription_id=DEMAND.id, date=NOON, kind=MarketEventKind.PROPOSAL, proposal_id=MATCH.id)


@pytest.fixture
async def repository(database: Database) -> MarketRepository:
    repository = MarketRepository(database)
    await repository.add_subscription(DEMAND)
    return repository


async def test_what_is_stored_is_found(repository: MarketRepository) -> None:
    assert await repository.subscriptions(Role.REQUESTOR) == [DEMAND]
    assert await repository.subscriptions(Role.PROVIDER) == []
    await repository.add_proposals([MATCH, DRAFT])
    assert await repository.find_proposal(MATCH.id) == MATCH
    assert await repository.find_proposals([MATCH.id, DRAFT.id, "R-3"]) == {MATCH.id: MATCH, DRAFT.id: DRAFT}
    assert await repository.find_proposal("R-3") is None
    assert await repository.negotiated_with(DEMAND.id) == {"offer"}
    assert await repository.count_proposals(DEMAND.id, BOB) == 2
    assert await repository.untold_proposals() == [DRAFT]
    await repository.mark_told(DRAFT.id)
    assert await repository.untold_proposals() == []


async def test_a_proposal_that_is_there_stays_as_it_is(repository: MarketRepository) -> None:
    await repository.add_proposals([MATCH])
    await repository.add_proposals([msgspec.structs.replace(MATCH, properties={})])
    assert await repository.find_proposal(MATCH.id) == MATCH


async def test_news_stay_until_they_are_confirmed(repository: MarketRepository) -> None:
    [first] = await repository.add_proposals([MATCH], [NEWS])
    second = await repository.add_event(NEWS)
    assert [event.position for event in await repository.events()] == [first, second]
    await repository.add_proposals([], confirmed=[first])
    assert await repository.events() == [msgspec.structs.replace(NEWS, position=second)]


async def test_a_proposal_changes_only_in_the_expected_state(repository: MarketRepository) -> None:
    await repository.add_proposals([MATCH])
    rejected: dict[str, Any] = {"state": ProposalState.REJECTED, "reason": {"message": "no"}}
    assert await repository.change_proposal(MATCH.id, only_in=[ProposalState.DRAFT], event=NEWS, **rejected) is None
    assert await repository.events() == []
    assert await repository.change_proposal(MATCH.id, only_in=[ProposalState.INITIAL], **rejected) == 0
    changed = await repository.find_proposal(MATCH.id)
    assert changed == msgspec.structs.replace(MATCH, state=ProposalState.REJECTED, reason={"message": "no"})
    place = await repository.change_proposal(
        MATCH.id, only_in=[ProposalState.REJECTED], event=NEWS, state=ProposalState.EXPIRED
    )
    assert [event.position for event in await repository.events()] == [place]


async def test_all_goes_with_the_demand(repository: MarketRepository) -> None:
    await repository.add_proposals([MATCH, DRAFT], [NEWS])
    await repository.remove_subscription(DEMAND.id)
    assert await repository.subscriptions(Role.REQUESTOR) == []
    assert await repository.find_proposal(MATCH.id) is None
    assert await repository.events() == []


async def test_old_steps_are_forgotten_and_what_was_met_is_not(repository: MarketRepository) -> None:
    await repository.add_proposals([MATCH, DRAFT])
    await repository.prune_proposals(NOON)
    assert await repository.find_proposal(DRAFT.id) == DRAFT
    await repository.prune_proposals(NOON + timedelta(seconds=1))
    assert await repository.find_proposal(DRAFT.id) is None
    assert await repository.negotiated_with(DEMAND.id) == {"offer"}


async def test_a_proposal_is_taken_up_by_one_agreement_and_free_when_that_fails(
    repository: MarketRepository, database: Database
) -> None:
    await repository.add_proposals([MATCH, DRAFT])
    agreements = AgreementRepository(database, Role.REQUESTOR)
    first = msgspec.structs.replace(AGREEMENT, proposal_id=DRAFT.id)
    second = msgspec.structs.replace(first, id="2" * 64)
    place = await agreements.add_from_proposal(first, NEWS)
    assert [event.position for event in await repository.events()] == [place]
    assert await agreements.add_from_proposal(second, NEWS) is None
    assert await agreements.find(second.id) is None
    assert len(await repository.events()) == 1
    await agreements.change(first.id, only_in=AgreementState.PENDING, state=AgreementState.CANCELLED)
    assert await agreements.add_from_proposal(second) == 0
    await agreements.change(second.id, only_in=AgreementState.PENDING, state=AgreementState.APPROVED)
    taken = await repository.find_proposal(DRAFT.id)
    assert taken is not None
    assert taken.state is ProposalState.ACCEPTED
