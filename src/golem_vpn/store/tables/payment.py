"""What is set aside, asked for, agreed to and paid."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from golem_vpn.store.tables.base import Base


class AllocationRow(Base):
    """Money that a requestor set aside."""

    __tablename__ = "payment_allocations"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner_id: Mapped[str] = mapped_column(index=True)
    address: Mapped[str]
    platform: Mapped[str]
    total: Mapped[Decimal]
    spent: Mapped[Decimal]
    created: Mapped[datetime]
    updated: Mapped[datetime]
    expires: Mapped[datetime | None]
    released: Mapped[datetime | None]


class DocumentRow(Base):
    """One side's view of an invoice or a debit note; a node that hires itself has both."""

    __tablename__ = "payment_documents"
    __table_args__ = (Index(None, "owner_id", "kind", "created"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    issuer_id: Mapped[str]
    recipient_id: Mapped[str]
    owner_id: Mapped[str]
    payee_address: Mapped[str]
    payer_address: Mapped[str]
    platform: Mapped[str]
    agreement_id: Mapped[str] = mapped_column(index=True)
    activity_ids: Mapped[list[Any]] = mapped_column(JSON)
    amount: Mapped[Decimal]
    usage: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    due: Mapped[datetime | None]
    previous_id: Mapped[str | None]
    created: Mapped[datetime]
    state: Mapped[str]
    app_session_id: Mapped[str | None]
    allocation_id: Mapped[str | None]
    rejection: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    told: Mapped[bool] = mapped_column(index=True)


class EventRow(Base):
    """Something that happened to an invoice or a debit note; its date is its own."""

    __tablename__ = "payment_events"
    __table_args__ = (Index(None, "owner_id", "kind", "created"),)

    created: Mapped[datetime] = mapped_column(primary_key=True)
    owner_id: Mapped[str]
    role: Mapped[str]
    kind: Mapped[str]
    document_id: Mapped[str]
    step: Mapped[str]
    rejection: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    app_session_id: Mapped[str | None]


class TallyRow(Base):
    """How much was accepted, ordered and paid for an activity; without an activity, for its agreement beyond those."""

    __tablename__ = "payment_tallies"

    agreement_id: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    activity_id: Mapped[str] = mapped_column(primary_key=True)
    accepted: Mapped[Decimal]
    ordered: Mapped[Decimal]
    paid: Mapped[Decimal]


class OrderRow(Base):
    """An amount that a requestor agreed to, and that is to be paid."""

    __tablename__ = "payment_orders"

    id: Mapped[str] = mapped_column(primary_key=True)
    document_id: Mapped[str]
    agreement_id: Mapped[str]
    activity_id: Mapped[str]
    allocation_id: Mapped[str]
    payer_id: Mapped[str]
    payer_address: Mapped[str]
    payee_id: Mapped[str]
    payee_address: Mapped[str]
    platform: Mapped[str]
    app_session_id: Mapped[str | None]
    amount: Mapped[Decimal]
    created: Mapped[datetime]
    payment_id: Mapped[str | None]
    done: Mapped[bool] = mapped_column(index=True)


class PaymentRow(Base):
    """One side's view of a payment."""

    __tablename__ = "payments"
    __table_args__ = (Index(None, "owner_id", "created"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    owner_id: Mapped[str]
    payer_id: Mapped[str]
    payer_address: Mapped[str]
    payee_id: Mapped[str]
    payee_address: Mapped[str]
    platform: Mapped[str]
    amount: Mapped[Decimal]
    parts: Mapped[list[Any]] = mapped_column(JSON)
    proof: Mapped[bytes] = mapped_column(LargeBinary)
    app_session_id: Mapped[str | None]
    created: Mapped[datetime]
    told: Mapped[bool] = mapped_column(index=True)


class StatementRow(Base):
    """A payer's signed statement of what it has paid to a payee in all, as one side keeps it."""

    __tablename__ = "ledger_statements"
    __table_args__ = (UniqueConstraint("role", "transfer_id"),)

    role: Mapped[str] = mapped_column(primary_key=True)
    payer_id: Mapped[str] = mapped_column(primary_key=True)
    payee_id: Mapped[str] = mapped_column(primary_key=True)
    platform: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    transfer_id: Mapped[str]
    amount: Mapped[Decimal]
    total: Mapped[Decimal]
    created: Mapped[datetime]
    signed: Mapped[bytes] = mapped_column(LargeBinary)
