"""`golem-vpn payment …`: what is set aside, asked for, and paid."""

from datetime import datetime
from decimal import Decimal

import msgspec
from cyclopts import App, Group

from golem_vpn.cli.console import out, show_json, show_rows
from golem_vpn.cli.options import Common
from golem_vpn.cli.session import with_client
from golem_vpn.sdk.client import Client
from golem_vpn.sdk.payment import Account, Allocation, Balance, Payment

NO_TOKENS = "no tokens are moved: payments are signed balances between nodes (docs/payments.md)"


class Overview(msgspec.Struct, frozen=True, rename="camel"):
    """What `payment status` prints as JSON."""

    moves_tokens: bool
    allocations: list[Allocation]
    balances: list[Balance]


class Transaction(msgspec.Struct, frozen=True):
    """A payment as the caller sees it."""

    date: str
    direction: str
    peer: str
    platform: str
    amount: str
    id: str


def register(app: App, group: Group) -> None:
    """Adds the commands."""
    payment = App(name="payment", group=group, help=f"What is set aside, asked for, and paid; {NO_TOKENS}.")
    app.command(payment)
    for command in (status, accounts, invoices, history):
        payment.command(command)


def status(*, common: Common = Common()) -> None:
    """Print what is set aside, and what this node and others have paid to each other."""

    async def read(client: Client) -> Overview:
        payments = client.payment
        moves_tokens = any(account.moves_tokens for account in await payments.accounts())
        return Overview(moves_tokens, await payments.allocations(), await payments.balances())

    found = with_client(common.data_dir, read)
    if common.json:
        show_json(found)
        return
    if not found.moves_tokens:
        out.print(f"{NO_TOKENS}\n")
    out.print("allocations")
    columns = {"platform": "payment_platform", "total": "total_amount", "spent": "spent_amount",
               "remaining": "remaining_amount", "allocation": "allocation_id"}  # fmt: skip
    show_rows(columns, found.allocations, as_json=False)
    out.print("\nbalances")
    show_rows({"platform": "platform", "peer": "peer_id", "sent": "sent", "received": "received"}, found.balances,
              as_json=False)  # fmt: skip


def accounts(*, common: Common = Common()) -> None:
    """List the platforms on which this node pays and is paid."""
    found: list[Account] = with_client(common.data_dir, lambda client: client.payment.accounts())
    columns = {"platform": "platform", "address": "address", "settled by": "settled_by", "moves tokens": "moves_tokens"}
    show_rows(columns, found, common.json)


def invoices(*, common: Common = Common()) -> None:
    """List the invoices that were received and issued, oldest first."""
    found = with_client(common.data_dir, lambda client: client.payment.invoices())
    columns = {"date": "timestamp", "status": "status", "amount": "amount", "platform": "payment_platform",
               "from": "issuer_id", "to": "recipient_id", "invoice": "invoice_id"}  # fmt: skip
    show_rows(columns, found, common.json)


def history(*, common: Common = Common()) -> None:
    """List the payments that were sent and received, oldest first."""

    async def read(client: Client) -> tuple[str, list[Payment]]:
        return (await client.me()).identity, await client.payment.payments()

    own_id, found = with_client(common.data_dir, read)
    if common.json:
        show_json(found)
        return
    names = Transaction.__struct_fields__
    show_rows(dict(zip(names, names, strict=True)), [_transaction(own_id, payment) for payment in found], as_json=False)


def _transaction(own_id: str, payment: Payment) -> Transaction:
    sent = payment.payer_id == own_id
    return Transaction(
        date=_minutes(payment.timestamp),
        direction="sent" if sent else "received",
        peer=payment.payee_id if sent else payment.payer_id,
        platform=payment.payment_platform,
        amount=_plain(payment.amount),
        id=payment.payment_id,
    )


def _minutes(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _plain(amount: Decimal) -> str:
    return f"{amount:f}"
