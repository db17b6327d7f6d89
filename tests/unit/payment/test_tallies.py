"""However documents come and are agreed to, an agreement costs what its invoice says."""

import random
from decimal import Decimal

import pytest

from golem_vpn.store.payment import DocumentState, Kind
from tests.unit.payment.kit import DUE, Trade, agree

pytestmark = pytest.mark.anyio

PRICE = Decimal("0.000000000000000001")


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_of_acceptances_costs_the_invoices_amount(trade: Trade, seed: int) -> None:
    chance = random.Random(seed)
    async with trade.pair(patience=0.01) as (alice, bob):
        agreement = await agree(alice, bob)
        allocation = await alice.allocate("1")
        totals = {"a": Decimal(0), "b": Decimal(0)}
        documents: list[tuple[Kind, str, Decimal]] = []
        for _ in range(8):
            activity = chance.choice("ab")
            totals[activity] += PRICE * chance.randrange(10**17)
            due = chance.choice([None, DUE])
            note_id = await bob.service.issue_debit_note(agreement, activity, totals[activity], [], due)
            documents.append((Kind.DEBIT_NOTE, note_id, totals[activity]))
        total = sum(totals.values(), Decimal(0))
        invoice_id = await bob.service.issue_invoice(agreement, ["a", "b"], total, DUE)
        documents.append((Kind.INVOICE, invoice_id, total))
        await alice.received(*(note_id for _, note_id, _ in documents[:-1]), kind=Kind.DEBIT_NOTE)
        await alice.received(invoice_id)

        chance.shuffle(documents)
        for kind, document_id, amount in documents:
            await alice.service.deciding.accept(alice.id, kind, document_id, amount, allocation.id)
        assert await alice.remaining(allocation) == 1 - total
        for kind, document_id, _ in documents:
            for party in (alice, bob):
                await party.becomes(DocumentState.SETTLED, document_id, kind)
        paid = sum(payment.amount for payment in await bob.service.payments(bob.id, 0))
        assert paid == total
