"""The whole of payment, as the API and the provider agent use it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import anyio

from golem_vpn import moments
from golem_vpn.errors import Forbidden, InvalidInput, NotFound
from golem_vpn.net.control import Control
from golem_vpn.payment.allocations import Allocations
from golem_vpn.payment.courier import Courier, Letter
from golem_vpn.payment.deciding import Deciding
from golem_vpn.payment.documents import find_document, live_invoice
from golem_vpn.payment.driver import Balance, Driver
from golem_vpn.payment.issuing import Issuing
from golem_vpn.payment.journal import PAYMENTS, Journal
from golem_vpn.payment.settlement import Settlement
from golem_vpn.payment.terms import PROTOCOL, PROTOCOL_VERSION, address_key, terms_of
from golem_vpn.store.activities import ActivityRepository
from golem_vpn.store.agreements import AgreementRepository, Role, StoredAgreement
from golem_vpn.store.database import Database
from golem_vpn.store.payment import Document, Kind, Payment, PaymentRepository

KEEP = timedelta(days=90)
"""For how long what has ended can be looked up."""
PRUNE_SECONDS = 24 * 3600.0
PATIENCE_SECONDS = 10.0
"""For how long what was agreed to is gathered before it is paid."""


class PaymentService:
    """Accounts, allocations, invoices, debit notes and payments of this node's identities."""

    def __init__(
        self, control: Control, database: Database, drivers: Sequence[Driver], patience: float = PATIENCE_SECONDS
    ) -> None:
        self.drivers = drivers
        self._by_platform = {platform.name: driver for driver in drivers for platform in driver.platforms}
        self.journal = Journal(PaymentRepository(database))
        self.allocations = Allocations(self.journal, tuple(self._by_platform))
        requested, provided = (AgreementRepository(database, role) for role in (Role.REQUESTOR, Role.PROVIDER))
        self.issuing = Issuing(self.journal, control, self._by_platform)
        self.deciding = Deciding(self.journal, control, requested, self._by_platform)
        self._settlement = Settlement(self.journal, control, provided, self._by_platform, patience)
        self._agreements = provided
        self._activities = ActivityRepository(database, Role.PROVIDER)
        self._node_id = control.node_id

    async def open(self) -> None:
        """Goes on where the last run of the daemon left off."""
        await self.journal.open()

    async def run(self) -> None:
        """Delivers documents, decisions and payments, and makes payments, for ever."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Courier(self.journal, self._deliver).run)
            tasks.start_soon(self._settlement.run)
            while True:
                await self.journal.prune(moments.now() - KEEP)
                await anyio.sleep(PRUNE_SECONDS)

    def account_properties(self) -> dict[str, Any]:
        """Gives what an offer of this node says about payment."""
        return {**{address_key(name): self._node_id for name in self._by_platform}, PROTOCOL: PROTOCOL_VERSION}

    def is_payable(self, agreement: StoredAgreement) -> bool:
        """Tells whether an agreement says how it is paid; one by direct hire need not."""
        try:
            terms_of(agreement, self._by_platform)
        except InvalidInput:
            return False
        return True

    async def issue_debit_note(
        self, agreement: StoredAgreement, activity_id: str, total_amount_due: Decimal,
        usage: Sequence[float], due: datetime | None,
    ) -> str:  # fmt: skip
        """Tells the requestor what an activity costs so far, and gives the debit note's id; with `due`, asks for it.

        Raises:
            InvalidInput: the agreement names no platform that is known here, or the total is less than before.
        """
        note = await self.issuing.issue_debit_note(agreement, activity_id, total_amount_due, usage, due, send=True)
        return note.id

    async def issue_invoice(
        self, agreement: StoredAgreement, activity_ids: Sequence[str], amount: Decimal, due: datetime
    ) -> str:
        """Asks the requestor for all that an agreement costs, once, and gives the invoice's id.

        Raises:
            InvalidInput: the agreement names no platform that is known here.
        """
        async with self.journal.reading() as records:
            known = await live_invoice(records, agreement.id, Role.PROVIDER)
        if known is not None:
            return known.id
        return (await self.issuing.issue_invoice(agreement, activity_ids, amount, due, send=True)).id

    async def provided(self, owner_id: str, agreement_id: str) -> StoredAgreement:
        """Gives an agreement in which an identity is the provider.

        Raises:
            NotFound: there is none of that id.
            Forbidden: the provider is another identity.
        """
        agreement = await self._agreements.find(agreement_id)
        if agreement is None:
            raise NotFound(f"there is no agreement {agreement_id[:64]} of a provider here")
        if agreement.provider_id != owner_id:
            raise Forbidden("the agreement is another identity's")
        return agreement

    async def agreement_of(self, owner_id: str, activity_id: str) -> StoredAgreement:
        """Gives the agreement of an activity that an identity provides.

        Raises:
            NotFound: there is none of that id.
            Forbidden: the provider is another identity.
        """
        activity = await self._activities.find(activity_id)
        if activity is None:
            raise NotFound(f"there is no activity {activity_id[:64]} of a provider here")
        return await self.provided(owner_id, activity.agreement_id)

    async def document(self, owner_id: str, kind: Kind, document_id: str) -> Document:
        """Gives a document that an identity received or issued.

        Raises:
            NotFound: there is none of that kind and id.
        """
        async with self.journal.reading() as records:
            return await find_document(records, owner_id, kind, document_id, Role.REQUESTOR, Role.PROVIDER)

    async def documents(
        self, owner_id: str, kind: Kind, after: datetime | None = None, limit: int | None = None
    ) -> list[Document]:
        """Lists the documents that an identity received or issued, oldest first."""
        async with self.journal.reading() as records:
            return await records.list(Document, owner_id=owner_id, kind=kind, after=after, limit=limit)

    async def payments(
        self, owner_id: str, timeout: float, *, after: datetime | None = None, limit: int | None = None, **equal: Any
    ) -> list[Payment]:
        """Lists payments by and to an identity, oldest first, once there are some or the time is over."""

        async def look() -> list[Payment]:
            async with self.journal.reading() as records:
                return await records.list(Payment, owner_id=owner_id, after=after, limit=limit, **equal)

        return await self.journal.wait_for((owner_id, PAYMENTS), timeout, look)

    async def payments_for(self, document: Document) -> list[Payment]:
        """Lists the payments of which a part is for a document."""
        everything = await self.payments(document.owner_id, 0, role=document.role)
        return [payment for payment in everything if any(part.document_id == document.id for part in payment.parts)]

    async def payment(self, owner_id: str, payment_id: str) -> Payment:
        """Gives a payment by or to an identity.

        Raises:
            NotFound: there is none of that id.
        """
        found = await self.payments(owner_id, 0, id=payment_id)
        if not found:
            raise NotFound(f"there is no payment {payment_id[:64]}")
        return found[0]

    async def balances(self, owner_id: str) -> list[Balance]:
        """Tells what an identity and others have paid to each other."""
        return [balance for driver in self.drivers for balance in await driver.balances(owner_id)]

    async def _deliver(self, letter: Letter) -> bool:
        if isinstance(letter, Payment):
            return await self._settlement.deliver(letter)
        if letter.role is Role.PROVIDER:
            return await self.issuing.deliver(letter)
        return await self.deciding.deliver(letter)
