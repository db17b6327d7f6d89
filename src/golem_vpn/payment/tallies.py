"""What an agreement costs, has been ordered to be paid, and was paid: by activity, and beyond those by its invoice.

A debit note asks for the total of its activity so far, an invoice for the total of the agreement. So each adds only
what goes beyond that which was accepted, or ordered, before.
"""

from decimal import Decimal

import msgspec

from golem_vpn.payment.journal import Entry
from golem_vpn.store.agreements import Role
from golem_vpn.store.payment import Document, DocumentState, Kind, Records, Step, Tally

ZERO = Decimal(0)


class Ask(msgspec.Struct, frozen=True):
    """What accepting a document adds."""

    tally: Tally
    """As it is then."""
    cost: Decimal
    """To what the agreement costs."""
    order: Decimal | None
    """To what is to be paid; none where the document is not to be paid for itself."""


async def ask_of(records: Records, document: Document) -> Ask:
    """Tells what accepting a document would add."""
    tallies = await _tallies(records, document.agreement_id, document.role)
    if document.kind is Kind.INVOICE:
        return _ask(tallies, "", document, sum(tally.accepted for tally in tallies.values()), payable=True)
    [activity_id] = document.activity_ids
    if await _is_invoiced(records, document):
        # The invoice asks for everything, this note's amount included; what's left is to settle the note with it.
        return Ask(_of(tallies, activity_id, document), ZERO, ZERO)
    accepted = _of(tallies, activity_id, document).accepted
    return _ask(tallies, activity_id, document, accepted, payable=document.due is not None)


def _ask(
    tallies: dict[str, Tally], activity_id: str, document: Document, accepted: Decimal | int, *, payable: bool
) -> Ask:
    tally = _of(tallies, activity_id, document)
    cost = max(document.amount - accepted, ZERO)
    order = None
    if payable:
        ordered = sum(each.ordered for each in tallies.values()) if activity_id == "" else tally.ordered
        order = max(document.amount - ordered, ZERO)
    changed = msgspec.structs.replace(tally, accepted=tally.accepted + cost, ordered=tally.ordered + (order or ZERO))
    return Ask(changed, cost, order)


async def add_paid(records: Records, agreement_id: str, role: Role, activity_id: str, amount: Decimal) -> None:
    """Notes that an amount was paid."""
    tallies = await _tallies(records, agreement_id, role)
    tally = tallies.get(activity_id) or Tally(agreement_id=agreement_id, role=role, activity_id=activity_id)
    await records.put(msgspec.structs.replace(tally, paid=tally.paid + amount))


async def take_back_order(records: Records, agreement_id: str, activity_id: str, amount: Decimal) -> None:
    """Notes that an amount could not be paid."""
    tally = (await _tallies(records, agreement_id, Role.REQUESTOR))[activity_id]
    await records.put(msgspec.structs.replace(tally, ordered=tally.ordered - amount))


async def settle_covered(entry: Entry, agreement_id: str, role: Role) -> None:
    """Settles the accepted documents of an agreement that are paid by now; the invoice settles all its debit notes."""
    tallies = await _tallies(entry.records, agreement_id, role)
    paid = sum(tally.paid for tally in tallies.values())
    accepted = await entry.records.list(Document, agreement_id=agreement_id, role=role, state=DocumentState.ACCEPTED)
    invoices = [document for document in accepted if document.kind is Kind.INVOICE]
    for invoice in invoices:
        if paid >= invoice.amount:
            await entry.step(invoice, Step.SETTLE)
    settled = await entry.records.list(
        Document, agreement_id=agreement_id, role=role, kind=Kind.INVOICE, state=DocumentState.SETTLED
    )
    for note in (document for document in accepted if document.kind is Kind.DEBIT_NOTE):
        tally = tallies.get(note.activity_ids[0])
        if settled or (tally is not None and tally.paid >= note.amount):
            await entry.step(note, Step.SETTLE)


async def _is_invoiced(records: Records, document: Document) -> bool:
    invoices = await records.list(
        Document, agreement_id=document.agreement_id, role=document.role, kind=Kind.INVOICE,
        state=(DocumentState.ACCEPTED, DocumentState.SETTLED),
    )  # fmt: skip
    return bool(invoices)


async def _tallies(records: Records, agreement_id: str, role: Role) -> dict[str, Tally]:
    found = await records.list(Tally, agreement_id=agreement_id, role=role)
    return {tally.activity_id: tally for tally in found}


def _of(tallies: dict[str, Tally], activity_id: str, document: Document) -> Tally:
    return tallies.get(activity_id) or Tally(
        agreement_id=document.agreement_id, role=document.role, activity_id=activity_id
    )
