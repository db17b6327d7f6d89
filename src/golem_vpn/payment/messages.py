"""What providers and requestors say to each other about money."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from golem_vpn.net.wire import Message
from golem_vpn.store.payment import Kind, PaymentPart


class SendDocument(Message, frozen=True, kw_only=True):
    """Hands an invoice or a debit note to the requestor; the same id again is the same document."""

    id: str
    kind: Kind
    issuer_id: str
    recipient_id: str
    payee_address: str
    payer_address: str
    platform: str
    agreement_id: str
    activity_ids: tuple[str, ...]
    amount: Decimal
    usage: tuple[float, ...] | None
    due: datetime | None
    previous_id: str | None


class AcceptDocument(Message, frozen=True):
    """Tells the provider that its document was accepted."""

    id: str
    amount: Decimal


class RejectDocument(Message, frozen=True):
    """Tells the provider that its document was rejected, and why."""

    id: str
    rejection: dict[str, Any]


class CancelDocument(Message, frozen=True):
    """Takes a document back, unless it was accepted."""

    id: str


class SendPayment(Message, frozen=True, kw_only=True):
    """Shows the provider that it was paid; the same id again is the same payment."""

    id: str
    payer_id: str
    payer_address: str
    payee_id: str
    payee_address: str
    platform: str
    amount: Decimal
    parts: tuple[PaymentPart, ...]
    proof: bytes
