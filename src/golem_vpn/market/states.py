"""Rule of this file: what may happen to a proposal or an agreement, and where it stands afterwards.

What is not in a table is refused: as gone where the end is final, else as contradicting the present state.
"""

from enum import StrEnum
from typing import TypeVar

from golem_vpn.errors import Conflict, Gone
from golem_vpn.store.agreements import AgreementState
from golem_vpn.store.market import ProposalState


class ProposalAction(StrEnum):
    """What can happen to a proposal; the values complete "cannot be …"."""

    COUNTER = "answered"
    ACCEPT = "accepted"
    RELEASE = "released"
    REJECT = "rejected"
    EXPIRE = "expired"


class AgreementAction(StrEnum):
    """What can happen to an agreement; the values complete "cannot be …"."""

    CONFIRM = "confirmed"
    PROMISE = "approved"
    """The provider says yes, and the requestor may not know yet."""
    APPROVE = "approved for good"
    REJECT = "rejected"
    CANCEL = "cancelled"
    EXPIRE = "expired"
    TERMINATE = "terminated"


# A proposal that was answered, or that an agreement is being made of, can be answered once more: that is a new round.
PROPOSAL_TABLE: dict[tuple[ProposalState, ProposalAction], ProposalState] = {
    (ProposalState.INITIAL, ProposalAction.COUNTER): ProposalState.INITIAL,
    (ProposalState.INITIAL, ProposalAction.REJECT): ProposalState.REJECTED,
    (ProposalState.INITIAL, ProposalAction.EXPIRE): ProposalState.EXPIRED,
    (ProposalState.DRAFT, ProposalAction.COUNTER): ProposalState.DRAFT,
    (ProposalState.DRAFT, ProposalAction.ACCEPT): ProposalState.ACCEPTED,
    (ProposalState.DRAFT, ProposalAction.REJECT): ProposalState.REJECTED,
    (ProposalState.DRAFT, ProposalAction.EXPIRE): ProposalState.EXPIRED,
    (ProposalState.ACCEPTED, ProposalAction.COUNTER): ProposalState.ACCEPTED,
    (ProposalState.ACCEPTED, ProposalAction.RELEASE): ProposalState.DRAFT,
}

AGREEMENT_TABLE: dict[tuple[AgreementState, AgreementAction], AgreementState] = {
    (AgreementState.PROPOSAL, AgreementAction.CONFIRM): AgreementState.PENDING,
    (AgreementState.PROPOSAL, AgreementAction.CANCEL): AgreementState.CANCELLED,
    (AgreementState.PROPOSAL, AgreementAction.EXPIRE): AgreementState.EXPIRED,
    (AgreementState.PENDING, AgreementAction.PROMISE): AgreementState.PENDING,
    (AgreementState.PENDING, AgreementAction.APPROVE): AgreementState.APPROVED,
    (AgreementState.PENDING, AgreementAction.REJECT): AgreementState.REJECTED,
    (AgreementState.PENDING, AgreementAction.CANCEL): AgreementState.CANCELLED,
    (AgreementState.PENDING, AgreementAction.EXPIRE): AgreementState.EXPIRED,
    (AgreementState.APPROVED, AgreementAction.TERMINATE): AgreementState.TERMINATED,
}

PROPOSAL_ENDS = frozenset({ProposalState.REJECTED, ProposalState.EXPIRED})
AGREEMENT_ENDS = frozenset(
    {AgreementState.CANCELLED, AgreementState.REJECTED, AgreementState.EXPIRED, AgreementState.TERMINATED}
)

S = TypeVar("S", ProposalState, AgreementState)


def after_proposal_action(state: ProposalState, action: ProposalAction) -> ProposalState:
    """Tells where a proposal stands after an action.

    Raises:
        Conflict: it cannot happen in this state.
        Gone: the proposal was rejected or has expired.
    """
    following = PROPOSAL_TABLE.get((state, action))
    return _checked(following, f"the proposal is {state} and cannot be {action}", ended=state in PROPOSAL_ENDS)


def after_agreement_action(state: AgreementState, action: AgreementAction) -> AgreementState:
    """Tells where an agreement stands after an action.

    Raises:
        Conflict: it cannot happen in this state.
        Gone: the agreement has ended, or will never come about.
    """
    following = AGREEMENT_TABLE.get((state, action))
    return _checked(following, f"the agreement is {state} and cannot be {action}", ended=state in AGREEMENT_ENDS)


def states_before(action: AgreementAction) -> frozenset[AgreementState]:
    """Lists the states of an agreement in which an action can happen."""
    return frozenset(state for state, possible in AGREEMENT_TABLE if possible is action)


def target_of(action: AgreementAction) -> AgreementState:
    """Tells where every agreement stands after an action that was possible."""
    [target] = {target for (_, possible), target in AGREEMENT_TABLE.items() if possible is action}
    return target


def _checked(following: S | None, complaint: str, *, ended: bool) -> S:
    if following is not None:
        return following
    raise Gone(complaint) if ended else Conflict(complaint)
