"""Where an invoice or a debit note can go from where it stands. All rules about that are in this table.

Each side keeps the state of its own view. The provider's lags behind by a message or two, so it may hear that a
document was accepted before it knows that it was received.
"""

from types import MappingProxyType
from typing import Final

from golem_vpn.errors import Conflict
from golem_vpn.store.payment import Document, DocumentState, Kind, Step

ISSUED, RECEIVED, ACCEPTED, REJECTED, FAILED, SETTLED, CANCELLED = DocumentState

TRANSITIONS: Final = MappingProxyType(
    {
        (ISSUED, Step.RECEIVE): RECEIVED,
        (ISSUED, Step.ACCEPT): ACCEPTED,
        (ISSUED, Step.REJECT): REJECTED,
        (ISSUED, Step.CANCEL): CANCELLED,
        (ISSUED, Step.FAIL): FAILED,
        (RECEIVED, Step.ACCEPT): ACCEPTED,
        (RECEIVED, Step.REJECT): REJECTED,
        (RECEIVED, Step.CANCEL): CANCELLED,
        (REJECTED, Step.ACCEPT): ACCEPTED,
        (REJECTED, Step.CANCEL): CANCELLED,
        (ACCEPTED, Step.SETTLE): SETTLED,
        (ACCEPTED, Step.FAIL): FAILED,
        (FAILED, Step.ACCEPT): ACCEPTED,
        (FAILED, Step.CANCEL): CANCELLED,
        # What was done before, or is overtaken by what came after it, changes nothing.
        (RECEIVED, Step.RECEIVE): RECEIVED,
        (ACCEPTED, Step.RECEIVE): ACCEPTED,
        (REJECTED, Step.RECEIVE): REJECTED,
        (FAILED, Step.RECEIVE): FAILED,
        (SETTLED, Step.RECEIVE): SETTLED,
        (CANCELLED, Step.RECEIVE): CANCELLED,
        (ACCEPTED, Step.ACCEPT): ACCEPTED,
        (SETTLED, Step.ACCEPT): SETTLED,
        (REJECTED, Step.REJECT): REJECTED,
        (CANCELLED, Step.CANCEL): CANCELLED,
        (SETTLED, Step.SETTLE): SETTLED,
        (FAILED, Step.FAIL): FAILED,
    }
)
"""The state after a step; a step that is not here is not possible."""

NAMES: Final = MappingProxyType({Kind.INVOICE: "invoice", Kind.DEBIT_NOTE: "debit note"})

_IMPERATIVES: Final = MappingProxyType(
    {
        Step.RECEIVE: "be received",
        Step.ACCEPT: "be accepted",
        Step.REJECT: "be rejected",
        Step.CANCEL: "be cancelled",
        Step.SETTLE: "be settled",
        Step.FAIL: "fail",
    }
)


def after(document: Document, step: Step) -> DocumentState:
    """Tells where a step leads.

    Raises:
        Conflict: it is not possible from where the document stands.
    """
    following = TRANSITIONS.get((document.state, step))
    if following is None:
        raise Conflict(f"the {NAMES[document.kind]} is {document.state} and can't {_IMPERATIVES[step]}")
    return following


def can(document: Document, step: Step) -> bool:
    """Tells whether a step would change where the document stands."""
    return TRANSITIONS.get((document.state, step), document.state) is not document.state
