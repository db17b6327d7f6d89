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


@pytest.mark.parametrize(("state", "action"), list(product(ProposalState, ProposalAction)))
def test_every_step_of_a_proposal(state: ProposalState, action: ProposalAction) -> None:
    if (state, action) in PROPOSAL_TABLE:
        assert after_proposal_action(state, action) is PROPOSAL_TABLE[state, action]
    else:
        with pytest.raises(
            Gone if state in PROPOSAL_ENDS else Conflict, match=f"the proposal is {state} and cannot be"
        ):
            after_proposal_action(state, action)


@pytest.mark.parametrize(("state", "action"), list(product(AgreementState, AgreementAction)))
def test_every_step_of_an_agreement(state: AgreementState, action: AgreementAction) -> None:
    if (state, action) in AGREEMENT_TABLE:
        assert after_agreement_action(state, action) is AGREEMENT_TABLE[state, action]
        assert AGREEMENT_TABLE[state, action] is target_of(action)
        assert state in states_before(action)
    else:
        assert state not in states_before(action)
        with pytest.raises(
            Gone if state in AGREEMENT_ENDS else Conflict, match=f"the agreement is {state} and cannot be"
        ):
            after_agreement_action(state, action)


def test_ends_are_final() -> None:
    assert not [step for step in PROPOSAL_TABLE if step[0] in PROPOSAL_ENDS]
    assert not [step for step in AGREEMENT_TABLE if step[0] in AGREEMENT_ENDS]
