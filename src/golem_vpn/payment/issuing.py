"""The provider's side: what it asks to be paid, and what the requestor says to that."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import uuid4

import msgspec

from golem_vpn.errors import Conflict, Forbidden, InvalidInput, NotFound
from golem_vpn.net.control import Control
from golem_vpn.payment import amounts
from golem_vpn.payment.courier import Messenger, Outcome
from golem_vpn.payment.documents import check_form, find_document, live_invoice, newest_note
from golem_vpn.payment.journal import OUTBOX, Entry, Journal
from golem_vpn.payment.messages import AcceptDocument, CancelDocument, RejectDocument, SendDocument
from golem_vpn.payment.tallies import settle_covered
from golem_vpn.payment.terms import terms_of
from golem_vpn.store.agreements import Role, StoredAgreement
from golem_vpn.store.payment import Document, DocumentState, Kind, Step


class Issuing:
    """Issues invoices and debit notes, and has them delivered."""

    def __init__(self, journal: Journal, control: Control, platforms: Collection[str]) -> None:
        self._journal = journal
        self._control = control
        self._messenger = Messenger(control)
        self._platforms = platforms
        control.on(AcceptDocument)(self._accepted)
        control.on(RejectDocument)(self._rejected)

    async def issue_invoice(
        self, agreement: StoredAgreement, activity_ids: Sequence[str], amount: Decimal, due: datetime, *, send: bool
    ) -> Document:
        """Asks for all that an agreement costs.

        Raises:
            Conflict: there is an invoice for the agreement already.
            InvalidInput: the agreement names no platform that is known here, or the amount is none.
        """
        draft = self._draft(agreement, Kind.INVOICE, amount, send=send)
        async with self._journal.writing() as entry:
            if await live_invoice(entry.records, agreement.id, Role.PROVIDER) is not None:
                raise Conflict("there is an invoice for the agreement already")
            return await _store(entry, draft, activity_ids=tuple(activity_ids), due=due)

    async def issue_debit_note(
        self, agreement: StoredAgreement, activity_id: str, total: Decimal,
        usage: Sequence[float] | None, due: datetime | None, *, send: bool,
    ) -> Document:  # fmt: skip
        """Tells what an activity costs so far.

        Raises:
            InvalidInput: the agreement names no platform that is known here, or the total is less than before.
        """
        draft = self._draft(agreement, Kind.DEBIT_NOTE, total, send=send)
        async with self._journal.writing() as entry:
            previous = await newest_note(entry.records, agreement.id, activity_id)
            if previous is not None and draft.amount < previous.amount:
                raise InvalidInput(f"the debit note before was of {amounts.to_text(previous.amount)} already")
            return await _store(
                entry, draft, activity_ids=(activity_id,), due=due,
                usage=None if usage is None else tuple(usage),
                previous_id=None if previous is None else previous.id,
            )  # fmt: skip

    async def send(self, owner_id: str, kind: Kind, document_id: str) -> None:
        """Has a document delivered that was issued without.

        Raises:
            NotFound: the owner has issued none of that id.
        """
        async with self._journal.writing() as entry:
            document = await find_document(entry.records, owner_id, kind, document_id, Role.PROVIDER)
            if document.state is DocumentState.ISSUED:
                await entry.records.put(msgspec.structs.replace(document, told=False))
                entry.bells.add(OUTBOX)

    async def cancel(self, owner_id: str, kind: Kind, document_id: str) -> None:
        """Takes a document back.

        Raises:
            NotFound: the owner has issued none of that id.
            Conflict: the requestor accepted it.
            PeerUnreachable: the requestor's node can't be asked at the moment.
        """
        async with self._journal.reading() as records:
            document = await find_document(records, owner_id, kind, document_id, Role.PROVIDER)
        try:
            await self._control.request(document.recipient_id, CancelDocument(document.id), type(None))
        except NotFound:
            # It never arrived there.
            if document.state is not DocumentState.ISSUED:
                raise
        async with self._journal.writing() as entry:
            document = await find_document(entry.records, owner_id, kind, document_id, Role.PROVIDER)
            await entry.step(document, Step.CANCEL, told=True)

    async def deliver(self, document: Document) -> bool:
        """Hands a document over, and says whether the requestor's node was there."""
        outcome = await self._messenger.tell(document.recipient_id, _letter(document), document.created)
        if outcome is Outcome.AWAY:
            return False
        async with self._journal.writing() as entry:
            current = await entry.records.find(Document, document.id, Role.PROVIDER)
            assert current is not None
            if outcome is Outcome.TOLD:
                current = await entry.step(current, Step.RECEIVE)
            elif current.state is DocumentState.ISSUED:
                current = await entry.step(current, Step.FAIL)
            await entry.records.put(msgspec.structs.replace(current, told=True))
        return True

    async def _accepted(self, sender: str, message: AcceptDocument) -> None:
        async with self._journal.writing() as entry:
            document = await self._asked(entry, sender, message.id)
            if message.amount != document.amount:
                raise InvalidInput(f"accepted has to be the whole amount, {amounts.to_text(document.amount)}")
            await entry.step(document, Step.ACCEPT, rejection=None)
            await settle_covered(entry, document.agreement_id, Role.PROVIDER)

    async def _rejected(self, sender: str, message: RejectDocument) -> None:
        async with self._journal.writing() as entry:
            document = await self._asked(entry, sender, message.id)
            await entry.step(document, Step.REJECT, rejection=message.rejection)

    async def _asked(self, entry: Entry, sender: str, document_id: str) -> Document:
        """Finds the document that a requestor speaks of."""
        document = await entry.records.find(Document, document_id, Role.PROVIDER)
        if document is None:
            raise NotFound(f"this provider has issued nothing with the id {document_id[:64]}")
        if not self._control.proves(sender, document.recipient_id):
            raise Forbidden(f"{document.recipient_id} is not an identity of the node that asks")
        return document

    def _draft(self, agreement: StoredAgreement, kind: Kind, amount: Decimal, *, send: bool) -> Document:
        terms = terms_of(agreement, self._platforms)
        return Document(
            id=str(uuid4()),
            role=Role.PROVIDER,
            kind=kind,
            issuer_id=agreement.provider_id,
            recipient_id=agreement.requestor_id,
            owner_id=agreement.provider_id,
            payee_address=terms.payee_address,
            payer_address=terms.payer_address,
            platform=terms.platform,
            agreement_id=agreement.id,
            activity_ids=(),
            amount=amounts.check(amount, "the amount"),
            created=agreement.created,
            state=DocumentState.ISSUED,
            app_session_id=agreement.app_session_id,
            told=not send,
        )


async def _store(entry: Entry, draft: Document, **content: object) -> Document:
    document = msgspec.structs.replace(draft, created=entry.now(), **content)
    check_form(document)
    entry.bells.add(OUTBOX)
    return await entry.records.put(document)


def _letter(document: Document) -> SendDocument:
    return SendDocument(**{name: getattr(document, name) for name in SendDocument.__struct_fields__})
