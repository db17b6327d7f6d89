"""The requestor's side: what it is asked to pay, and whether it agrees."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any
from uuid import uuid4

import msgspec

from golem_vpn import moments
from golem_vpn.errors import Conflict, Forbidden, InvalidInput, NotFound
from golem_vpn.net.control import Control
from golem_vpn.payment import amounts, states
from golem_vpn.payment.allocations import live_allocation
from golem_vpn.payment.courier import Messenger, Outcome
from golem_vpn.payment.documents import check_form, find_document, live_invoice
from golem_vpn.payment.journal import ORDERS, OUTBOX, Entry, Journal
from golem_vpn.payment.messages import AcceptDocument, CancelDocument, RejectDocument, SendDocument
from golem_vpn.payment.tallies import Ask, ask_of
from golem_vpn.payment.terms import Terms, terms_of
from golem_vpn.store.agreements import AgreementRepository, AgreementState, Role, StoredAgreement
from golem_vpn.store.payment import Allocation, Document, DocumentState, Kind, Order, Step

_NEVER_IN_FORCE = (
    AgreementState.PROPOSAL, AgreementState.CANCELLED, AgreementState.REJECTED, AgreementState.EXPIRED
)  # fmt: skip


class Deciding:
    """Takes invoices and debit notes, and passes on what their recipient says to them."""

    def __init__(
        self, journal: Journal, control: Control, agreements: AgreementRepository, platforms: Collection[str]
    ) -> None:
        self._journal = journal
        self._control = control
        self._messenger = Messenger(control)
        self._agreements = agreements
        self._platforms = platforms
        control.on(SendDocument)(self._receive)
        control.on(CancelDocument)(self._cancelled)

    async def accept(self, owner_id: str, kind: Kind, document_id: str, amount: Decimal, allocation_id: str) -> None:
        """Agrees to pay a document from an allocation; one that was agreed to before, again.

        Raises:
            NotFound: the owner received none of that id.
            Conflict: it was cancelled.
            InvalidInput: the amount is not the document's, or the allocation is not of its platform, or too small.
            Gone: the allocation was released, or its time is over.
        """
        async with self._journal.writing() as entry:
            document = await find_document(entry.records, owner_id, kind, document_id, Role.REQUESTOR)
            if amount != document.amount:
                raise InvalidInput(f"totalAmountAccepted has to be the whole amount, {_text(document.amount)}")
            if states.after(document, Step.ACCEPT) is document.state:
                return
            allocation = await _allocation_for(entry, document, allocation_id)
            ask = await ask_of(entry.records, document)
            await _spend(entry, allocation, ask.cost)
            await entry.records.put(ask.tally)
            if ask.order is not None:
                await entry.records.put(_order(entry, document, allocation, ask))
                entry.bells.add(ORDERS)
            await entry.step(document, Step.ACCEPT, allocation_id=allocation.id, rejection=None, told=False)
            entry.bells.add(OUTBOX)

    async def reject(self, owner_id: str, kind: Kind, document_id: str, rejection: dict[str, Any]) -> None:
        """Refuses to pay a document; it can still be accepted later.

        Raises:
            NotFound: the owner received none of that id.
            Conflict: it was accepted or cancelled.
        """
        async with self._journal.writing() as entry:
            document = await find_document(entry.records, owner_id, kind, document_id, Role.REQUESTOR)
            await entry.step(document, Step.REJECT, rejection=rejection, told=False)
            entry.bells.add(OUTBOX)

    async def deliver(self, document: Document) -> bool:
        """Passes a decision on, and says whether the provider's node was there."""
        message = (
            RejectDocument(document.id, document.rejection or {})
            if document.state is DocumentState.REJECTED
            else AcceptDocument(document.id, document.amount)
        )
        if await self._messenger.tell(document.issuer_id, message, document.created) is Outcome.AWAY:
            return False
        async with self._journal.writing() as entry:
            current = await entry.records.find(Document, document.id, Role.REQUESTOR)
            if current == document:
                await entry.records.put(msgspec.structs.replace(document, told=True))
        return True

    async def _receive(self, sender: str, message: SendDocument) -> None:
        if not self._control.proves(sender, message.issuer_id):
            raise Forbidden(f"{message.issuer_id} is not an identity of the node that asks")
        agreement = await self._agreements.find(message.agreement_id)
        if agreement is None or agreement.provider_id != message.issuer_id:
            raise NotFound("there is no such agreement with that provider")
        _check(message, agreement, terms_of(agreement, self._platforms))
        async with self._journal.writing() as entry:
            known = await entry.records.find(Document, message.id, Role.REQUESTOR)
            if known is not None:
                if known.agreement_id != message.agreement_id:
                    raise Conflict("another document has that id")
                return
            if message.kind is Kind.INVOICE and await live_invoice(entry.records, agreement.id, Role.REQUESTOR):
                raise Conflict("there is an invoice for the agreement already")
            document = _received(message, entry, agreement)
            check_form(document)
            await entry.records.put(document)
            await entry.note(document, Step.RECEIVE)

    async def _cancelled(self, sender: str, message: CancelDocument) -> None:
        async with self._journal.writing() as entry:
            document = await entry.records.find(Document, message.id, Role.REQUESTOR)
            if document is None:
                raise NotFound("there is no such document")
            if not self._control.proves(sender, document.issuer_id):
                raise Forbidden(f"{document.issuer_id} is not an identity of the node that asks")
            await entry.step(document, Step.CANCEL, told=True)


def _check(message: SendDocument, agreement: StoredAgreement, terms: Terms) -> None:
    if agreement.state in _NEVER_IN_FORCE:
        raise Conflict(f"the agreement is not one to be paid: {agreement.state}")
    if message.recipient_id != agreement.requestor_id:
        raise InvalidInput("the recipient is not the agreement's requestor")
    if Terms(message.platform, message.payer_address, message.payee_address) != terms:
        raise InvalidInput("the document is not to be paid as the agreement says")


def _received(message: SendDocument, entry: Entry, agreement: StoredAgreement) -> Document:
    return Document(
        **{**msgspec.structs.asdict(message), "due": None if message.due is None else moments.in_utc(message.due)},
        role=Role.REQUESTOR,
        owner_id=message.recipient_id,
        created=entry.now(),
        state=DocumentState.RECEIVED,
        app_session_id=agreement.app_session_id,
    )


async def _allocation_for(entry: Entry, document: Document, allocation_id: str) -> Allocation:
    try:
        allocation = await live_allocation(entry.records, document.owner_id, allocation_id)
    except NotFound as error:
        # The document in the path is there; it's the body that is wrong.
        raise InvalidInput(error.message) from None
    if allocation.platform != document.platform:
        raise InvalidInput(f"the allocation is on {allocation.platform}, and not on {document.platform}")
    return allocation


async def _spend(entry: Entry, allocation: Allocation, cost: Decimal) -> None:
    left = allocation.total - allocation.spent
    if cost > left:
        raise InvalidInput(f"the allocation has only {_text(left)} left, and {_text(cost)} is needed")
    await entry.records.put(msgspec.structs.replace(allocation, spent=allocation.spent + cost, updated=entry.now()))


def _order(entry: Entry, document: Document, allocation: Allocation, ask: Ask) -> Order:
    assert ask.order is not None
    return Order(
        id=str(uuid4()),
        document_id=document.id,
        agreement_id=document.agreement_id,
        activity_id=ask.tally.activity_id,
        allocation_id=allocation.id,
        payer_id=document.recipient_id,
        payer_address=document.payer_address,
        payee_id=document.issuer_id,
        payee_address=document.payee_address,
        platform=document.platform,
        app_session_id=document.app_session_id,
        amount=ask.order,
        created=entry.now(),
    )


def _text(amount: Decimal) -> str:
    return amounts.to_text(amount)
