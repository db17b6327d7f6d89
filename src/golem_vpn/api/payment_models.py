"""The JSON of the Payment API. Amounts are texts such as "1.25", so that nobody rounds them."""

from base64 import b64encode
from datetime import datetime
from typing import Any, Literal

import msgspec

from golem_vpn.payment.amounts import to_text
from golem_vpn.payment.driver import Balance, Driver
from golem_vpn.payment.platforms import Platform
from golem_vpn.store.payment import Allocation, Document, DocumentState, Event, Kind, Payment

Amount = str | int | float
"""As applications write amounts; texts are exact."""


class Account(msgspec.Struct, frozen=True, rename="camel"):
    """Where an identity pays from or is paid to."""

    platform: str
    address: str
    driver: str
    """What applications call the means of payment."""
    network: str
    token: str
    send: bool
    receive: bool
    settled_by: str
    """What really keeps the balances."""
    moves_tokens: bool
    """Whether payments move anything but numbers."""
    description: str

    @classmethod
    def of(cls, address: str, platform: Platform, driver: Driver, *, send: bool) -> "Account":
        """Describes an account."""
        return cls(
            platform.name, address, platform.driver, platform.network, platform.token, send, not send,
            driver.name, driver.moves_tokens, driver.description,
        )  # fmt: skip


class PlatformParts(msgspec.Struct, frozen=True):
    """A platform, named by its parts; each that is missing may be any."""

    driver: str | None = None
    network: str | None = None
    token: str | None = None


class NewAllocation(msgspec.Struct, frozen=True, rename="camel"):
    """Money to set aside; other fields of an allocation may be there and are ignored."""

    total_amount: Amount
    address: str | None = None
    """The identity of the application key where it is not given."""
    payment_platform: str | PlatformParts | None = None
    timeout: datetime | None = None
    make_deposit: bool = False
    deposit: dict[str, Any] | None = None


class AllocationUpdate(msgspec.Struct, frozen=True, rename="camel"):
    """What is to be different; what is not given stays."""

    total_amount: Amount | None = None
    timeout: datetime | None = None


class AllocationInfo(msgspec.Struct, frozen=True, rename="camel"):
    """Money that was set aside."""

    allocation_id: str
    address: str
    payment_platform: str
    total_amount: str
    spent_amount: str
    remaining_amount: str
    timestamp: datetime
    timeout: datetime | None
    created_ts: datetime
    updated_ts: datetime
    make_deposit: bool = False

    @classmethod
    def of(cls, allocation: Allocation) -> "AllocationInfo":
        """Shows an allocation."""
        return cls(
            allocation.id, allocation.address, allocation.platform, to_text(allocation.total),
            to_text(allocation.spent), to_text(allocation.total - allocation.spent),
            allocation.created, allocation.expires, allocation.created, allocation.updated,
        )  # fmt: skip


class Property(msgspec.Struct, frozen=True):
    """A property of a demand."""

    key: str
    value: str


class Decorations(msgspec.Struct, frozen=True):
    """What a demand says about payment."""

    properties: list[Property]
    constraints: list[str]


class NewInvoice(msgspec.Struct, frozen=True, rename="camel"):
    """An invoice to issue."""

    agreement_id: str
    amount: Amount
    payment_due_date: datetime
    activity_ids: tuple[str, ...] = ()


class NewDebitNote(msgspec.Struct, frozen=True, rename="camel"):
    """A debit note to issue."""

    activity_id: str
    total_amount_due: Amount
    usage_counter_vector: tuple[float, ...] | None = None
    payment_due_date: datetime | None = None


class Acceptance(msgspec.Struct, frozen=True, rename="camel"):
    """The consent to pay."""

    total_amount_accepted: Amount
    allocation_id: str


class Rejection(msgspec.Struct, frozen=True, rename="camel"):
    """The refusal to pay."""

    rejection_reason: Literal["UNSOLICITED_SERVICE", "BAD_SERVICE", "INCORRECT_AMOUNT"]
    total_amount_accepted: Amount
    message: str | None = None


class DocumentInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """What invoices and debit notes have in common."""

    issuer_id: str
    recipient_id: str
    payee_addr: str
    payer_addr: str
    payment_platform: str
    timestamp: datetime
    agreement_id: str
    status: DocumentState
    payment_due_date: datetime | None = None


class InvoiceInfo(DocumentInfo, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """An invoice."""

    invoice_id: str
    activity_ids: tuple[str, ...]
    amount: str

    @classmethod
    def of(cls, document: Document) -> "InvoiceInfo":
        """Shows an invoice."""
        return cls(
            invoice_id=document.id,
            activity_ids=document.activity_ids,
            amount=to_text(document.amount),
            **_common(document),
        )


class DebitNoteInfo(DocumentInfo, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """A debit note."""

    debit_note_id: str
    activity_id: str
    total_amount_due: str
    usage_counter_vector: tuple[float, ...] | None = None
    previous_debit_note_id: str | None = None

    @classmethod
    def of(cls, document: Document) -> "DebitNoteInfo":
        """Shows a debit note."""
        return cls(
            debit_note_id=document.id,
            activity_id=document.activity_ids[0],
            total_amount_due=to_text(document.amount),
            usage_counter_vector=document.usage,
            previous_debit_note_id=document.previous_id,
            **_common(document),
        )


class EventInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """Something that happened to an invoice or a debit note."""

    event_type: str
    event_date: datetime
    """No other event has it; the next call names the newest as `afterTimestamp`."""
    invoice_id: str | None = None
    debit_note_id: str | None = None
    rejection: dict[str, Any] | None = None

    @classmethod
    def of(cls, event: Event) -> "EventInfo":
        """Shows an event."""
        return cls(
            event_type=f"{event.kind}{event.step}Event",
            event_date=event.created,
            invoice_id=event.document_id if event.kind is Kind.INVOICE else None,
            debit_note_id=event.document_id if event.kind is Kind.DEBIT_NOTE else None,
            rejection=event.rejection,
        )


class AgreementPayment(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a payment has for an agreement, beyond its activities."""

    agreement_id: str
    amount: str
    allocation_id: str | None = None


class ActivityPayment(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a payment has for an activity."""

    activity_id: str
    amount: str
    allocation_id: str | None = None


class PaymentInfo(msgspec.Struct, frozen=True, rename="camel"):
    """A payment."""

    payment_id: str
    payer_id: str
    payee_id: str
    payer_addr: str
    payee_addr: str
    payment_platform: str
    amount: str
    timestamp: datetime
    agreement_payments: list[AgreementPayment]
    activity_payments: list[ActivityPayment]
    details: str
    """The proof by the driver of the platform, in base64."""

    @classmethod
    def of(cls, payment: Payment) -> "PaymentInfo":
        """Shows a payment."""
        parts = [(part, to_text(part.amount), part.allocation_id) for part in payment.parts]
        return cls(
            payment.id, payment.payer_id, payment.payee_id, payment.payer_address, payment.payee_address,
            payment.platform, to_text(payment.amount), payment.created,
            [AgreementPayment(part.agreement_id, text, source) for part, text, source in parts if not part.activity_id],
            [ActivityPayment(part.activity_id, text, source) for part, text, source in parts if part.activity_id],
            b64encode(payment.proof).decode(),
        )  # fmt: skip


class BalanceInfo(msgspec.Struct, frozen=True, rename="camel"):
    """What the caller and another identity have paid to each other."""

    platform: str
    peer_id: str
    sent: str
    received: str
    transfers: int

    @classmethod
    def of(cls, balance: Balance) -> "BalanceInfo":
        """Shows a balance."""
        return cls(
            balance.platform, balance.peer_id, to_text(balance.sent), to_text(balance.received), balance.transfers
        )


def _common(document: Document) -> dict[str, Any]:
    return {
        "issuer_id": document.issuer_id,
        "recipient_id": document.recipient_id,
        "payee_addr": document.payee_address,
        "payer_addr": document.payer_address,
        "payment_platform": document.platform,
        "timestamp": document.created,
        "agreement_id": document.agreement_id,
        "status": document.state,
        "payment_due_date": document.due,
    }
