from itertools import product

import pytest

from golem_vpn.errors import Conflict, Gone
from golem_vpn.market.states import (
    AGREEMENT_ENDS,
    AGREEMENT_TABLE,
    PROPOSAL_ENDS,
    PROPOSAL_TABLE,
    AgreementAction,
    ProposalAction,
    after_agreement_action,
    after_proposal_action,
    states_before,
    target_of,
)
from golem_vpn.store.agreements import AgreementState
from golem_vpn.store.market import ProposalState

PROPOSAL_LEADS_ON = {
    "Initial": {"answered": "Initial", "rejected": "Rejected", "expired": "Expired"},
    "Draft": {"answered": "Draft", "accepted": "Accepted", "rejected": "Rejected", "expired": "Expired"},
    "Accepted": {"answered": "Accepted", "released": "Draft"},
    "Rejected": {},
    "Expired": {},
}
AGREEMENT_LEADS_ON = {
    "Proposal": {"confirmed": "Pending", "cancelled": "Cancelled", "expired": "Expired"},
    "Pending": {"approved": "Pending", "approved for good": "Approved", "rejected": "Rejected",
                "cancelled": "Cancelled", "expired": "Expired"},
    "Approved": {"terminated": "Terminated"},
    "Cancelled": {},
    "Rejected": {},
    "Expired": {},
    "Terminated": {},
}  # fmt: skip


@pytest.mark.parametrize(("state", "action"), list(product(ProposalState, ProposalAction)))
def test_every_step_of_a_proposal(state: ProposalState, action: ProposalAction) -> None:
    following = PROPOSAL_LEADS_ON[state].get(action)
    if following is not None:
        assert after_proposal_action(state, action) == following
    else:
        with pytest.raises(
            Conflict if PROPOSAL_LEADS_ON[state] else Gone, match=f"the proposal is {state} and cannot be"
        ):
            after_proposal_action(state, action)


@pytest.mark.parametrize(("state", "action"), list(product(AgreementState, AgreementAction)))
def test_every_step_of_an_agreement(state: AgreementState, action: AgreementAction) -> None:
    following = AGREEMENT_LEADS_ON[state].get(action)
    if following is not None:
        assert after_agreement_action(state, action) == following
        assert target_of(action) == following
        assert state in states_before(action)
    else:
        assert state not in states_before(action)
        with pytest.raises(
            Conflict if AGREEMENT_LEADS_ON[state] else Gone, match=f"the agreement is {state} and cannot be"
        ):
            after_agreement_action(state, action)


def test_ends_are_final() -> None:
    assert not [step for step in PROPOSAL_TABLE if step[0] in PROPOSAL_ENDS]
    assert not [step for step in AGREEMENT_TABLE if step[0] in AGREEMENT_ENDS]
