from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import anyio
import msgspec
import pytest

from golem_vpn.errors import Conflict, Forbidden, GolemVpnError, InvalidInput, NotFound, Overloaded
from golem_vpn.payment import platforms
from golem_vpn.payment.driver import Balance, Transfer
from golem_vpn.payment.messages import SendPayment
from golem_vpn.payment.platforms import Platform
from golem_vpn.store.payment import DocumentState, Kind, PaymentPart, Step
from tests.unit.net.kit import eventually
from tests.unit.payment.kit import DUE, HOLESKY, Party, Trade, agree

pytestmark = pytest.mark.anyio

INVOICE = Kind.INVOICE


class Purse:
    """A driver that fails as it is told to, and notes what it is asked."""

    name = "purse"
    description = "coins"
    moves_tokens = True

    def __init__(self, *troubles: Exception) -> None:
        self.asked: list[Transfer] = []
        self.troubles = list(troubles)

    @property
    def platforms(self) -> Sequence[Platform]:
        return [platforms.parse(HOLESKY)]

    async def pay(self, transfer: Transfer) -> bytes:
        self.asked.append(transfer)
        if self.troubles:
            raise self.troubles.pop(0)
        return b"coin"

    async def check(self, transfer: Transfer, proof: bytes) -> None:
        if proof != b"coin":
            raise InvalidInput("not a coin")

    async def balances(self, owner_id: str) -> Sequence[Balance]:
        return []


async def accepted(alice: Party, bob: Party, *amounts: str, **options: Any) -> list[str]:
    allocation = await alice.allocate("100")
    ids = [
        await bob.service.issue_invoice(await agree(alice, bob, **options), [], Decimal(amount), DUE)
        for amount in amounts
    ]
    await alice.received(*ids)
    for invoice_id, amount in zip(ids, amounts, strict=True):
        await alice.service.deciding.accept(alice.id, INVOICE, invoice_id, Decimal(amount), allocation.id)
    return ids


async def test_what_is_agreed_to_at_about_the_same_time_is_one_payment(trade: Trade) -> None:
    async with trade.party("bob") as bob:
        async with trade.party("alice") as alice:
            alice.node.knows(bob.node)
            bob.node.knows(alice.node)
            ids = await accepted(alice, bob, "1", "2")
        async with trade.party("alice") as alice:
            alice.node.knows(bob.node)
            bob.node.knows(alice.node)
            for invoice_id in ids:
                await bob.becomes(DocumentState.SETTLED, invoice_id)
            [payment] = await bob.service.payments(bob.id, 0)
            assert payment.amount == sum(part.amount for part in payment.parts) == 3
            for invoice_id in ids:
                invoice = await bob.service.document(bob.id, INVOICE, invoice_id)
                assert await bob.service.payments_for(invoice) == [payment]


async def test_a_payment_that_fails_can_be_agreed_to_again(trade: Trade) -> None:
    purse = Purse(Conflict("no such coin"))
    async with trade.party("bob", driver=Purse()) as bob, trade.party("alice", driver=purse, patience=0.01) as alice:
        alice.node.knows(bob.node)
        bob.node.knows(alice.node)
        [invoice_id] = await accepted(alice, bob, "1")
        await alice.becomes(DocumentState.FAILED, invoice_id)
        other = await alice.allocate("5")
        await alice.service.deciding.accept(alice.id, INVOICE, invoice_id, Decimal(1), other.id)
        # It was spent of the first allocation already.
        assert await alice.remaining(other) == 5
        await bob.becomes(DocumentState.SETTLED, invoice_id)
        assert [transfer.amount for transfer in purse.asked] == [1, 1]
        assert await alice.steps() == [Step.RECEIVE, Step.ACCEPT, Step.FAIL, Step.ACCEPT, Step.SETTLE]


async def test_a_driver_that_is_busy_or_killed_is_asked_for_the_same_transfer_again(trade: Trade) -> None:
    async with trade.party("bob", driver=Purse()) as bob:
        purse = Purse(Overloaded("later"))
        async with trade.party("alice", driver=purse, patience=0.01) as alice:
            alice.node.knows(bob.node)
            bob.node.knows(alice.node)
            [invoice_id] = await accepted(alice, bob, "1")
            await eventually(lambda: len(purse.asked) == 1)
        async with trade.party("alice", driver=purse) as alice:
            alice.node.knows(bob.node)
            bob.node.knows(alice.node)
            await bob.becomes(DocumentState.SETTLED, invoice_id)
        first, second = purse.asked
        assert first == second


async def test_a_payment_waits_for_a_payee_that_is_away(trade: Trade) -> None:
    async with trade.pair(patience=0.01) as (alice, bob):
        allocation = await alice.allocate("5")
        invoice_id = await bob.service.issue_invoice(await agree(alice, bob), [], Decimal(1), DUE)
        await alice.received(invoice_id)
        trade.wire.cut(alice.node.endpoint, bob.node.endpoint)
        await alice.service.deciding.accept(alice.id, INVOICE, invoice_id, Decimal(1), allocation.id)
        await alice.becomes(DocumentState.SETTLED, invoice_id)
        assert await bob.service.payments(bob.id, 0) == []
        trade.wire.mend(alice.node.endpoint, bob.node.endpoint)
        await bob.becomes(DocumentState.SETTLED, invoice_id)


async def test_applications_can_wait_for_payments(trade: Trade) -> None:
    async with trade.pair(patience=0.01) as (alice, bob), anyio.create_task_group() as tasks:
        seen = []

        async def wait() -> None:
            seen.extend(await bob.service.payments(bob.id, 20))

        tasks.start_soon(wait)
        await accepted(alice, bob, "1")
        await eventually(lambda: len(seen) == 1)


def letter(alice: Party, bob: Party, agreement_id: str, **changes: Any) -> SendPayment:
    content: dict[str, Any] = {
        "id": "p1", "payer_id": alice.id, "payer_address": alice.id, "payee_id": bob.id, "payee_address": bob.id,
        "platform": HOLESKY, "amount": Decimal(1), "parts": (PaymentPart(agreement_id, "", Decimal(1), "i1"),),
        "proof": b"coin",
    }  # fmt: skip
    return SendPayment(**content | changes)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"payer_id": "0x" + "e" * 40}, Forbidden),
        ({"payee_id": "0x" + "e" * 40}, NotFound),
        ({"platform": "erc20-moon-glm"}, InvalidInput),
        ({"parts": ()}, InvalidInput),
        ({"amount": Decimal(2)}, InvalidInput),
        ({"amount": Decimal(-1)}, InvalidInput),
        ({"parts": (PaymentPart("none", "", Decimal(1), "i1"),)}, NotFound),
        ({"proof": b"button"}, InvalidInput),
    ],
)
async def test_payments_that_a_provider_does_not_take(
    trade: Trade, changes: dict[str, Any], error: type[GolemVpnError]
) -> None:
    async with trade.party("bob", driver=Purse()) as bob, trade.party("alice") as alice:
        alice.node.knows(bob.node)
        bob.node.knows(alice.node)
        agreement = await agree(alice, bob)
        with pytest.raises(error):
            await alice.node.control.request(bob.id, letter(alice, bob, agreement.id, **changes), type(None))
        assert await bob.service.payments(bob.id, 0) == []


async def test_a_payment_counts_once(trade: Trade) -> None:
    async with trade.party("bob", driver=Purse()) as bob, trade.party("alice") as alice:
        alice.node.knows(bob.node)
        bob.node.knows(alice.node)
        agreement = await agree(alice, bob)
        invoice_id = await bob.service.issue_invoice(agreement, [], Decimal(2), DUE)
        await alice.received(invoice_id)
        allocation = await alice.allocate("5")
        await alice.service.deciding.accept(alice.id, INVOICE, invoice_id, Decimal(2), allocation.id)
        await bob.becomes(DocumentState.ACCEPTED, invoice_id)
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                message = letter(alice, bob, agreement.id)
                tasks.start_soon(alice.node.control.request, bob.id, message, type(None))
        assert await bob.states() == [DocumentState.ACCEPTED]
        rest = msgspec.structs.replace(letter(alice, bob, agreement.id), id="p2")
        await alice.node.control.request(bob.id, rest, type(None))
        assert await bob.states() == [DocumentState.SETTLED]
