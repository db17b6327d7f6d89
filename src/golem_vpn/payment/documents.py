"""Invoices and debit notes: what they must be like, and finding them."""

from math import isfinite
from typing import Final

from golem_vpn.errors import InvalidInput, NotFound
from golem_vpn.payment import amounts
from golem_vpn.payment.states import NAMES
from golem_vpn.store.agreements import Role
from golem_vpn.store.payment import Document, DocumentState, Kind, Records

MAX_ACTIVITIES = 10_000
MAX_ID_LENGTH = 64
MAX_COUNTERS = 64

_NOT_CANCELLED: Final = tuple(state for state in DocumentState if state is not DocumentState.CANCELLED)


def check_form(document: Document) -> None:
    """Makes sure that a document is as both sides take it.

    Raises:
        InvalidInput: it is not.
    """
    if amounts.check(document.amount, "the amount") != document.amount:
        raise InvalidInput("the amount has more than 18 decimal places")
    if document.kind is Kind.DEBIT_NOTE and len(document.activity_ids) != 1:
        raise InvalidInput("a debit note is for one activity")
    if len(document.activity_ids) > MAX_ACTIVITIES:
        raise InvalidInput(f"an invoice names at most {MAX_ACTIVITIES} activities")
    ids = (document.id, document.previous_id or "", *document.activity_ids)
    if not document.id or max(map(len, ids)) > MAX_ID_LENGTH:
        raise InvalidInput(f"an id has 1 to {MAX_ID_LENGTH} characters")
    usage = document.usage or ()
    if len(usage) > MAX_COUNTERS or not all(map(isfinite, usage)):
        raise InvalidInput(f"usage has at most {MAX_COUNTERS} counters, and no infinite ones")


async def find_document(records: Records, owner_id: str, kind: Kind, document_id: str, *roles: Role) -> Document:
    """Finds an owner's view of a document, in the first of the roles that it has it in.

    Raises:
        NotFound: the owner has none of that kind and id.
    """
    for role in roles:
        document = await records.find(Document, document_id, role)
        if document is not None and (document.owner_id, document.kind) == (owner_id, kind):
            return document
    raise NotFound(f"there is no {NAMES[kind]} {document_id[:64]}")


async def live_invoice(records: Records, agreement_id: str, role: Role) -> Document | None:
    """Finds the invoice of an agreement, unless it was taken back."""
    return await records.newest(Document, agreement_id=agreement_id, role=role, kind=Kind.INVOICE, state=_NOT_CANCELLED)


async def newest_note(records: Records, agreement_id: str, activity_id: str) -> Document | None:
    """Finds the newest debit note that was issued for an activity, of those that were not taken back."""
    return await records.newest(
        Document,
        agreement_id=agreement_id, role=Role.PROVIDER, kind=Kind.DEBIT_NOTE,
        activity_ids=[activity_id], state=_NOT_CANCELLED,
    )  # fmt: skip
