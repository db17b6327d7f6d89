import math
from decimal import Decimal
from typing import Any

import pytest

from golem_vpn.errors import Conflict, Forbidden, GolemVpnError, Gone, InvalidInput, NotFound
from golem_vpn.payment.messages import CancelDocument, SendDocument
from golem_vpn.store.agreements import AgreementState, StoredAgreement
from golem_vpn.store.payment import Allocation, DocumentState, Kind, Step
from tests.unit.net.kit import eventually_is
from tests.unit.payment.kit import DUE, HOLESKY, HOODI, Party, Trade, agree

pytestmark = pytest.mark.anyio

INVOICE = Kind.INVOICE


async def invoiced(alice: Party, bob: Party, amount: str = "1") -> str:
    invoice_id = await bob.service.issue_invoice(await agree(alice, bob), [], Decimal(amount), DUE)
    await alice.received(invoice_id)
    return invoice_id


async def accept(alice: Party, invoice_id: str, allocation: Allocation, amount: str = "1") -> None:
    await alice.service.deciding.accept(alice.id, INVOICE, invoice_id, Decimal(amount), allocation.id)


async def test_accepted_twice_is_spent_once(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        invoice_id, allocation = await invoiced(alice, bob), await alice.allocate("10")
        for _ in range(2):
            await accept(alice, invoice_id, allocation)
        assert await alice.remaining(allocation) == 9
        assert await alice.steps() == [Step.RECEIVE, Step.ACCEPT]
        with pytest.raises(InvalidInput, match="whole amount, 1"):
            await accept(alice, invoice_id, allocation, "2")


async def test_what_an_acceptance_needs(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        invoice_id = await invoiced(alice, bob)
        small, elsewhere, released = [
            await alice.allocate("0.5"), await alice.allocate("5", platform=HOODI), await alice.allocate("5"),
        ]  # fmt: skip
        await alice.service.allocations.release(alice.id, released.id)
        with pytest.raises(InvalidInput, match=r"only 0\.5 left"):
            await accept(alice, invoice_id, small)
        with pytest.raises(InvalidInput, match=HOLESKY):
            await accept(alice, invoice_id, elsewhere)
        with pytest.raises(Gone):
            await accept(alice, invoice_id, released)
        with pytest.raises(InvalidInput, match="no allocation"):
            await alice.service.deciding.accept(alice.id, INVOICE, invoice_id, Decimal(1), "none")
        with pytest.raises(NotFound, match="no debit note"):
            await alice.service.deciding.accept(alice.id, Kind.DEBIT_NOTE, invoice_id, Decimal(1), small.id)
        with pytest.raises(NotFound):
            await bob.service.deciding.accept(bob.id, INVOICE, invoice_id, Decimal(1), small.id)
        assert await alice.states() == [DocumentState.RECEIVED]
        assert await alice.steps() == [Step.RECEIVE]


async def test_rejected_then_accepted(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        invoice_id, allocation = await invoiced(alice, bob), await alice.allocate("10")
        rejection = {"rejectionReason": "BAD_SERVICE", "totalAmountAccepted": "0", "message": "slow"}
        for _ in range(2):
            await alice.service.deciding.reject(alice.id, INVOICE, invoice_id, rejection)
        assert (await bob.becomes(DocumentState.REJECTED, invoice_id)).rejection == rejection
        await accept(alice, invoice_id, allocation)
        assert (await bob.becomes(DocumentState.ACCEPTED, invoice_id)).rejection is None
        with pytest.raises(Conflict):
            await alice.service.deciding.reject(alice.id, INVOICE, invoice_id, rejection)
        assert await alice.steps() == [Step.RECEIVE, Step.REJECT, Step.ACCEPT]
        assert await bob.steps() == [Step.RECEIVE, Step.REJECT, Step.ACCEPT]


async def test_a_decision_waits_for_a_provider_that_is_away(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        invoice_id, allocation = await invoiced(alice, bob), await alice.allocate("10")
        trade.wire.cut(alice.node.endpoint, bob.node.endpoint)
        await accept(alice, invoice_id, allocation)
        assert await alice.states() == [DocumentState.ACCEPTED]
        trade.wire.mend(alice.node.endpoint, bob.node.endpoint)
        await bob.becomes(DocumentState.ACCEPTED, invoice_id)


async def test_taken_back_by_its_issuer_alone(trade: Trade) -> None:
    async with trade.pair() as (alice, bob), trade.party("eve") as eve:
        eve.node.knows(alice.node)
        alice.node.knows(eve.node)
        invoice_id = await invoiced(alice, bob)
        with pytest.raises(Forbidden):
            await eve.node.control.request(alice.id, CancelDocument(invoice_id), type(None))
        with pytest.raises(NotFound):
            await eve.node.control.request(alice.id, CancelDocument("none"), type(None))
        assert await alice.states() == [DocumentState.RECEIVED]


def letter(agreement: StoredAgreement, **changes: Any) -> SendDocument:
    content: dict[str, Any] = {
        "id": "i1", "kind": INVOICE, "issuer_id": agreement.provider_id, "recipient_id": agreement.requestor_id,
        "payee_address": agreement.provider_id, "payer_address": agreement.requestor_id, "platform": HOLESKY,
        "agreement_id": agreement.id, "activity_ids": (), "amount": Decimal(1), "usage": None, "due": DUE,
        "previous_id": None,
    }  # fmt: skip
    return SendDocument(**content | changes)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"issuer_id": "0x" + "e" * 40}, Forbidden),
        ({"agreement_id": "none"}, NotFound),
        ({"recipient_id": "0x" + "e" * 40}, InvalidInput),
        ({"platform": HOODI}, InvalidInput),
        ({"payer_address": "0x" + "e" * 40}, InvalidInput),
        ({"payee_address": "0x" + "e" * 40}, InvalidInput),
        ({"amount": Decimal(-1)}, InvalidInput),
        ({"amount": Decimal("NaN")}, InvalidInput),
        ({"amount": Decimal("1e-19")}, InvalidInput),
        ({"kind": Kind.DEBIT_NOTE}, InvalidInput),
        ({"activity_ids": ("a",) * 10_001}, InvalidInput),
        ({"activity_ids": ("a" * 65,)}, InvalidInput),
        ({"id": ""}, InvalidInput),
        ({"id": "i" * 65}, InvalidInput),
        ({"previous_id": "i" * 65}, InvalidInput),
        ({"usage": (1.0,) * 65}, InvalidInput),
        ({"usage": (math.nan,)}, InvalidInput),
    ],
)
async def test_documents_that_a_requestor_does_not_take(
    trade: Trade, changes: dict[str, Any], error: type[GolemVpnError]
) -> None:
    async with trade.pair() as (alice, bob):
        agreement = await agree(alice, bob)
        with pytest.raises(error):
            await bob.node.control.request(alice.id, letter(agreement, **changes), type(None))
        assert await alice.states() == []
        assert await alice.steps() == []


async def test_a_document_comes_once_and_an_invoice_is_the_only_one(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        agreement, other = await agree(alice, bob), await agree(alice, bob)
        for _ in range(2):
            await bob.node.control.request(alice.id, letter(agreement), type(None))
        for wrong in (letter(agreement, id="i2"), letter(other)):
            with pytest.raises(Conflict):
                await bob.node.control.request(alice.id, wrong, type(None))
        assert await alice.steps() == [Step.RECEIVE]


async def test_an_agreement_that_never_was_in_force_is_not_paid(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        agreement = await agree(alice, bob, state=AgreementState.REJECTED)
        invoice_id = await bob.service.issue_invoice(agreement, [], Decimal(1), DUE)
        await bob.becomes(DocumentState.FAILED, invoice_id)

        async def steps() -> list[Step]:
            return await bob.steps()

        await eventually_is([Step.FAIL], steps)
