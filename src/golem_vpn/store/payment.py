"""Allocations, invoices, debit notes, their events, and payments in the database.

What belongs together is read and written in one transaction, through the `Records` that it gives.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from golem_vpn.store.agreements import Role
from golem_vpn.store.database import Database
from golem_vpn.store.lookout import Lookout
from golem_vpn.store.tables import payment as tables


class Kind(StrEnum):
    """What a provider can ask to be paid with."""

    INVOICE = "Invoice"
    DEBIT_NOTE = "DebitNote"


class DocumentState(StrEnum):
    """Where an invoice or a debit note stands; the names are those of the Payment API."""

    ISSUED = "ISSUED"
    RECEIVED = "RECEIVED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    SETTLED = "SETTLED"
    CANCELLED = "CANCELLED"


class Step(StrEnum):
    """What can happen to an invoice or a debit note; its events are named after it."""

    RECEIVE = "Received"
    ACCEPT = "Accepted"
    REJECT = "Rejected"
    CANCEL = "Cancelled"
    SETTLE = "Settled"
    FAIL = "Failed"


class Allocation(msgspec.Struct, frozen=True, kw_only=True):
    """Money that a requestor set aside."""

    id: str
    owner_id: str
    address: str
    platform: str
    total: Decimal
    spent: Decimal
    created: datetime
    updated: datetime
    expires: datetime | None = None
    released: datetime | None = None


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One side's view of an invoice or a debit note."""

    id: str
    role: Role
    kind: Kind
    issuer_id: str
    recipient_id: str
    owner_id: str
    """The one of the two whose view it is."""
    payee_address: str
    payer_address: str
    platform: str
    agreement_id: str
    activity_ids: tuple[str, ...]
    """A debit note has one."""
    amount: Decimal
    """A debit note's is the total of its activity so far."""
    usage: tuple[float, ...] | None = None
    due: datetime | None = None
    previous_id: str | None = None
    created: datetime
    state: DocumentState
    app_session_id: str | None = None
    allocation_id: str | None = None
    rejection: dict[str, Any] | None = None
    told: bool = True
    """Whether the other side knows what this side did last."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to an invoice or a debit note."""

    created: datetime
    """No other event of this node has it."""
    owner_id: str
    role: Role
    kind: Kind
    document_id: str
    step: Step
    rejection: dict[str, Any] | None = None
    app_session_id: str | None = None


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What was accepted, ordered and paid for an activity; without an activity, for its agreement beyond those."""

    agreement_id: str
    role: Role
    activity_id: str = ""
    accepted: Decimal = Decimal(0)
    ordered: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An amount that a requestor agreed to, and that is to be paid."""

    id: str
    document_id: str
    agreement_id: str
    activity_id: str
    """Empty for what an invoice asks for."""
    allocation_id: str
    payer_id: str
    payer_address: str
    payee_id: str
    payee_address: str
    platform: str
    app_session_id: str | None
    amount: Decimal
    created: datetime
    payment_id: str | None = None
    """The payment that it is, or is about to be, a part of."""
    done: bool = False


class PaymentPart(msgspec.Struct, frozen=True):
    """What a part of a payment is for."""

    agreement_id: str
    activity_id: str
    """Empty for what an invoice asked for."""
    amount: Decimal
    document_id: str
    allocation_id: str | None = None


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """One side's view of a payment."""

    id: str
    role: Role
    owner_id: str
    payer_id: str
    payer_address: str
    payee_id: str
    payee_address: str
    platform: str
    amount: Decimal
    parts: tuple[PaymentPart, ...]
    proof: bytes
    """By what the driver of the platform shows that it was made."""
    app_session_id: str | None
    created: datetime
    told: bool = True


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A payer's signed statement of what it has paid to a payee in all, as one side keeps it."""

    role: Role
    payer_id: str
    payee_id: str
    platform: str
    sequence: int
    transfer_id: str
    amount: Decimal
    total: Decimal
    """Of this and all before."""
    created: datetime
    signed: bytes


R = TypeVar("R", bound=msgspec.Struct)

_TABLES: Final[dict[type[msgspec.Struct], Any]] = {
    Allocation: tables.AllocationRow,
    Document: tables.DocumentRow,
    Event: tables.EventRow,
    Tally: tables.TallyRow,
    Order: tables.OrderRow,
    Payment: tables.PaymentRow,
    Statement: tables.StatementRow,
}


class Records:
    """What one transaction sees, and in a writing one may change."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, record: type[R], /, *key: str) -> R | None:
        """Finds a record by its key: an id, or an id and a role, or an agreement, a role and an activity."""
        row = await self._session.get(_TABLES[record], key)
        return None if row is None else msgspec.convert(row, record, from_attributes=True)

    async def list(
        self, record: type[R], /, *, after: datetime | None = None, limit: int | None = None, **equal: Any
    ) -> list[R]:
        """Lists the records whose attributes equal those given (or are in a tuple), oldest first."""
        table = _TABLES[record]
        query = select(table).where(*_conditions(table, equal)).limit(limit)
        if hasattr(table, "created"):
            query = query.order_by(table.created)
        if after is not None:
            query = query.where(table.created > after)
        rows = await self._session.scalars(query)
        return [msgspec.convert(row, record, from_attributes=True) for row in rows]

    async def newest(self, record: type[R], /, **equal: Any) -> R | None:
        """Finds the newest record whose attributes equal those given (or are in a tuple)."""
        table = _TABLES[record]
        row = await self._session.scalar(
            select(table).where(*_conditions(table, equal)).order_by(table.created.desc()).limit(1)
        )
        return None if row is None else msgspec.convert(row, record, from_attributes=True)

    async def put(self, record: R) -> R:
        """Stores a record, in place of the one with the same key where there is one."""
        values = {name: _column_value(value) for name, value in msgspec.structs.asdict(record).items()}
        await self._session.merge(_TABLES[type(record)](**values))
        return record

    async def forget(self, record: type[R], /, *, before: datetime, **equal: Any) -> None:
        """Deletes the records from before a date whose attributes equal those given (or are in a tuple)."""
        table = _TABLES[record]
        await self._session.execute(delete(table).where(table.created < before, *_conditions(table, equal)))

    async def forget_idle_tallies(self) -> None:
        """Deletes the tallies of agreements of which there is no document any more."""
        known = select(tables.DocumentRow.agreement_id)
        await self._session.execute(delete(tables.TallyRow).where(tables.TallyRow.agreement_id.not_in(known)))


class PaymentRepository:
    """Hands out transactions over the records of payment."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lookout = Lookout(database)

    async def untold(self, limit: int) -> list[Document | Payment]:
        """Lists the oldest documents, and then the oldest payments, that the other side does not know, `limit` each."""

        async def look() -> list[Document | Payment]:
            async with self.reading() as records:
                documents = await records.list(Document, told=False, limit=limit)
                return [*documents, *await records.list(Payment, told=False, limit=limit)]

        return await self._lookout.find(("untold", limit), look)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Records]:
        """Gives records that wait for no writer."""
        async with self._database.reading() as session:
            yield Records(session)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Records]:
        """Gives records that may be changed; leaving commits, an error undoes everything."""
        async with self._database.transaction() as session:
            yield Records(session)


def _conditions(table: Any, equal: dict[str, Any]) -> Iterator[ColumnElement[bool]]:
    for attribute, value in equal.items():
        column = getattr(table, attribute)
        yield column.in_(value) if isinstance(value, tuple) else column == value


def _column_value(value: Any) -> Any:
    """Gives what has columns of its own type as it is, and everything else as JSON has it."""
    return value if isinstance(value, datetime | Decimal | bytes) else msgspec.to_builtins(value)
