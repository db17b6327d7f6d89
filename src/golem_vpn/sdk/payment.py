"""The Payment API as typed calls. Amounts are decimals: exact, as the daemon keeps them."""

from datetime import datetime
from decimal import Decimal

import msgspec

from golem_vpn.sdk.connection import Connection, path_of

PAYMENT = "/payment-api/v1"


class Account(msgspec.Struct, frozen=True, rename="camel"):
    """Where the caller pays from or is paid to."""

    platform: str
    address: str
    driver: str
    network: str
    token: str
    send: bool
    receive: bool
    settled_by: str
    """What really keeps the balances."""
    moves_tokens: bool
    """Whether payments move anything but numbers."""
    description: str


class Allocation(msgspec.Struct, frozen=True, rename="camel"):
    """Money that was set aside."""

    allocation_id: str
    address: str
    payment_platform: str
    total_amount: Decimal
    spent_amount: Decimal
    remaining_amount: Decimal
    timestamp: datetime
    timeout: datetime | None = None


class Invoice(msgspec.Struct, frozen=True, rename="camel"):
    """What a provider asks for an agreement."""

    invoice_id: str
    issuer_id: str
    recipient_id: str
    payment_platform: str
    agreement_id: str
    amount: Decimal
    status: str
    timestamp: datetime
    payment_due_date: datetime | None = None


class Payment(msgspec.Struct, frozen=True, rename="camel"):
    """A payment by or to the caller."""

    payment_id: str
    payer_id: str
    payee_id: str
    payment_platform: str
    amount: Decimal
    timestamp: datetime


class Balance(msgspec.Struct, frozen=True, rename="camel"):
    """What the caller and another have paid to each other."""

    platform: str
    peer_id: str
    sent: Decimal
    received: Decimal
    transfers: int


class Payments:
    """What one application key sees of payment."""

    def __init__(self, connection: Connection) -> None:
        self._ask = connection.ask

    async def accounts(self) -> list[Account]:
        """Lists what the caller can pay from."""
        return await self._ask(list[Account], "GET", f"{PAYMENT}/requestorAccounts")

    async def allocate(self, amount: Decimal | str, *, platform: str | None = None) -> Allocation:
        """Sets money aside, on the daemon's first platform where none is named."""
        body = {"totalAmount": str(amount), "paymentPlatform": platform}
        return await self._ask(Allocation, "POST", f"{PAYMENT}/allocations", body)

    async def allocations(self) -> list[Allocation]:
        """Lists the allocations that are in force."""
        return await self._ask(list[Allocation], "GET", f"{PAYMENT}/allocations")

    async def release(self, allocation_id: str) -> None:
        """Gives back what is left of an allocation."""
        await self._ask(type(None), "DELETE", path_of(PAYMENT, "allocations", allocation_id))

    async def invoices(self) -> list[Invoice]:
        """Lists the invoices that the caller received or issued, oldest first."""
        return await self._ask(list[Invoice], "GET", f"{PAYMENT}/invoices")

    async def accept_invoice(self, invoice: Invoice, allocation_id: str) -> None:
        """Agrees to pay an invoice from an allocation."""
        body = {"totalAmountAccepted": str(invoice.amount), "allocationId": allocation_id}
        await self._ask(type(None), "POST", path_of(PAYMENT, "invoices", invoice.invoice_id, "accept"), body)

    async def payments(self) -> list[Payment]:
        """Lists the payments by and to the caller, oldest first."""
        return await self._ask(list[Payment], "GET", f"{PAYMENT}/payments", timeout=0)

    async def balances(self) -> list[Balance]:
        """Tells what the caller and others have paid to each other."""
        return await self._ask(list[Balance], "GET", f"{PAYMENT}/balances")
