"""From an invoice to its settlement, between two nodes."""

from decimal import Decimal
from typing import Any

import anyio
import pytest

from golem_vpn.errors import InvalidInput, NotFound
from golem_vpn.payment.terms import CHOSEN, address_key
from golem_vpn.store.agreements import Role
from golem_vpn.store.payment import DocumentState, Kind, Step
from tests.unit.net.kit import eventually_is
from tests.unit.payment.kit import DUE, HOLESKY, HOODI, Trade, agree

pytestmark = pytest.mark.anyio

INVOICE, NOTE = Kind.INVOICE, Kind.DEBIT_NOTE


async def test_an_invoice_from_its_issue_to_its_settlement(trade: Trade) -> None:
    async with trade.pair(patience=0.01) as (alice, bob):
        agreement = await agree(alice, bob)
        allocation = await alice.allocate("1")
        invoice_id = await bob.service.issue_invoice(agreement, ["a1"], Decimal("0.25"), DUE)

        [invoice] = await alice.received(invoice_id)
        assert (invoice.state, invoice.amount, invoice.platform) == (DocumentState.RECEIVED, Decimal("0.25"), HOLESKY)
        assert (invoice.issuer_id, invoice.recipient_id, invoice.payer_address) == (bob.id, alice.id, alice.id)
        assert (invoice.activity_ids, invoice.due) == (("a1",), DUE)
        await bob.becomes(DocumentState.RECEIVED, invoice_id)

        await alice.service.deciding.accept(alice.id, INVOICE, invoice_id, Decimal("0.25"), allocation.id)
        assert await alice.remaining(allocation) == Decimal("0.75")
        await alice.becomes(DocumentState.SETTLED, invoice_id)
        await bob.becomes(DocumentState.SETTLED, invoice_id)

        assert await alice.steps() == [Step.RECEIVE, Step.ACCEPT, Step.SETTLE]
        assert await bob.steps() == [Step.RECEIVE, Step.ACCEPT, Step.SETTLE]
        [sent] = await alice.service.payments(alice.id, 0)
        [got] = await bob.service.payments(bob.id, 1)
        assert (sent.id, sent.amount, sent.role) == (got.id, Decimal("0.25"), Role.REQUESTOR)
        assert sent.parts[0].allocation_id == allocation.id
        assert got.parts[0].allocation_id is None
        [balance] = await bob.service.balances(bob.id)
        assert (balance.peer_id, balance.received, balance.sent) == (alice.id, Decimal("0.25"), Decimal(0))


async def test_an_accepted_invoice_is_accepted_until_it_is_paid(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        allocation = await alice.allocate("1")
        invoice_id = await bob.service.issue_invoice(await agree(alice, bob), [], Decimal(0), DUE)
        await alice.received(invoice_id)
        await alice.service.deciding.accept(alice.id, INVOICE, invoice_id, Decimal(0), allocation.id)
        assert await alice.states() == [DocumentState.ACCEPTED]
        # There is nothing left to pay, as the provider sees.
        await bob.becomes(DocumentState.SETTLED, invoice_id)


async def test_one_invoice_for_an_agreement(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        agreement = await agree(alice, bob)
        first = await bob.service.issue_invoice(agreement, [], Decimal(1), DUE)
        assert await bob.service.issue_invoice(agreement, [], Decimal(2), DUE) == first
        await alice.received(first)
        assert await bob.states() == [DocumentState.ISSUED] or await bob.states() == [DocumentState.RECEIVED]


async def test_an_invoice_waits_for_a_requestor_that_is_away(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        agreement = await agree(alice, bob)
        trade.wire.cut(alice.node.endpoint, bob.node.endpoint)
        invoice_id = await bob.service.issue_invoice(agreement, [], Decimal(1), DUE)
        assert await bob.states() == [DocumentState.ISSUED]
        assert await alice.states() == []
        trade.wire.mend(alice.node.endpoint, bob.node.endpoint)
        await alice.received(invoice_id)


async def test_an_invoice_outlives_the_daemon_that_issued_it(trade: Trade) -> None:
    async with trade.party("alice") as alice:
        async with trade.party("bob") as bob:
            agreement = await agree(alice, bob)
            invoice_id = await bob.service.issue_invoice(agreement, [], Decimal(1), DUE)
            assert await alice.states() == []
        async with trade.party("bob") as bob:
            bob.node.knows(alice.node)
            alice.node.knows(bob.node)
            await alice.received(invoice_id)
            assert await bob.service.issue_invoice(agreement, [], Decimal(1), DUE) == invoice_id


async def test_debit_notes_and_the_invoice_after_them_cost_no_more_than_their_total(trade: Trade) -> None:
    async with trade.pair(patience=0.01) as (alice, bob):
        agreement = await agree(alice, bob)
        allocation = await alice.allocate("10")
        first = await bob.service.issue_debit_note(agreement, "a1", Decimal(1), [1.0, 2.5], None)
        second = await bob.service.issue_debit_note(agreement, "a1", Decimal(3), [2.0, 5.5], DUE)
        notes = await alice.received(first, second, kind=NOTE)
        assert [note.previous_id for note in notes] == [None, first]
        assert notes[1].usage == (2.0, 5.5)

        for note in notes:
            await alice.service.deciding.accept(alice.id, NOTE, note.id, note.amount, allocation.id)
        assert await alice.remaining(allocation) == 7
        await bob.becomes(DocumentState.SETTLED, second, NOTE)
        assert (await alice.service.document(alice.id, NOTE, first)).state is DocumentState.SETTLED

        invoice_id = await bob.service.issue_invoice(agreement, ["a1"], Decimal(5), DUE)
        await alice.received(invoice_id)
        await alice.service.deciding.accept(alice.id, INVOICE, invoice_id, Decimal(5), allocation.id)
        assert await alice.remaining(allocation) == 5
        await bob.becomes(DocumentState.SETTLED, invoice_id)
        assert [payment.amount for payment in await bob.service.payments(bob.id, 0)] == [3, 2]


async def test_a_debit_note_that_is_not_to_be_paid_is_settled_by_the_invoice(trade: Trade) -> None:
    async with trade.pair(patience=0.01) as (alice, bob):
        agreement = await agree(alice, bob)
        allocation = await alice.allocate("10")
        note_id = await bob.service.issue_debit_note(agreement, "a1", Decimal(1), [], None)
        await alice.received(note_id, kind=NOTE)
        await alice.service.deciding.accept(alice.id, NOTE, note_id, Decimal(1), allocation.id)
        invoice_id = await bob.service.issue_invoice(agreement, ["a1"], Decimal(1), DUE)
        await alice.received(invoice_id)
        assert await alice.states(NOTE) == [DocumentState.ACCEPTED]
        await alice.service.deciding.accept(alice.id, INVOICE, invoice_id, Decimal(1), allocation.id)
        assert await alice.remaining(allocation) == 9
        await bob.becomes(DocumentState.SETTLED, note_id, NOTE)


async def test_a_debit_note_after_the_invoice_costs_nothing_more(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        agreement = await agree(alice, bob)
        allocation = await alice.allocate("10")
        invoice_id = await bob.service.issue_invoice(agreement, ["a1"], Decimal(5), DUE)
        note_id = await bob.service.issue_debit_note(agreement, "a1", Decimal(5), [], DUE)
        await alice.received(invoice_id)
        await alice.received(note_id, kind=NOTE)
        await alice.service.deciding.accept(alice.id, INVOICE, invoice_id, Decimal(5), allocation.id)
        await alice.service.deciding.accept(alice.id, NOTE, note_id, Decimal(5), allocation.id)
        assert await alice.remaining(allocation) == 5


@pytest.mark.parametrize(
    ("demand", "offer", "platform"),
    [
        ({CHOSEN: HOODI}, {}, HOODI),
        ({address_key(HOODI): True, CHOSEN: HOLESKY}, {}, HOLESKY),
        ({address_key(HOODI): None}, {address_key(HOODI): None}, HOODI),
        ({address_key("erc20-moon-glm"): None, address_key(HOODI): None}, {address_key("erc20-moon-glm"): None,
          address_key(HOODI): None}, HOODI),
    ],
)  # fmt: skip
async def test_the_platform_is_the_agreements(
    trade: Trade, demand: dict[str, Any], offer: dict[str, Any], platform: str
) -> None:
    async with trade.pair() as (alice, bob):
        mixed = alice.id.upper().replace("0X", "0x")
        demand = {key: mixed if value is None else value for key, value in demand.items()}
        offer = dict.fromkeys(offer, bob.id)
        agreement = await agree(alice, bob, demand_properties=demand, offer_properties=offer)
        assert bob.service.is_payable(agreement)
        invoice_id = await bob.service.issue_invoice(agreement, [], Decimal(1), DUE)
        [invoice] = await alice.received(invoice_id)
        assert invoice.platform == platform
        assert invoice.payer_address == demand.get(address_key(platform), alice.id)


@pytest.mark.parametrize(
    "demand", [{}, {CHOSEN: "erc20-moon-glm"}, {CHOSEN: 5}, {CHOSEN: HOODI, address_key(HOODI): "0x5"}]
)
async def test_agreements_that_cannot_be_paid(trade: Trade, demand: dict[str, Any]) -> None:
    async with trade.pair() as (alice, bob):
        agreement = await agree(alice, bob, demand_properties=demand)
        assert not bob.service.is_payable(agreement)
        with pytest.raises(InvalidInput):
            await bob.service.issue_invoice(agreement, [], Decimal(1), DUE)
        assert await bob.states() == []


async def test_amounts_that_are_none(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        agreement = await agree(alice, bob)
        for amount in ("-1", "NaN", "Infinity", "1e12"):
            with pytest.raises(InvalidInput):
                await bob.service.issue_invoice(agreement, [], Decimal(amount), DUE)
        await bob.service.issue_debit_note(agreement, "a1", Decimal(2), [], None)
        with pytest.raises(InvalidInput, match="2 already"):
            await bob.service.issue_debit_note(agreement, "a1", Decimal(1), [], None)
        await bob.service.issue_debit_note(agreement, "a2", Decimal(1), [], None)


async def test_many_acceptances_at_once_never_overspend(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        allocation = await alice.allocate("5")
        ids = [await bob.service.issue_invoice(await agree(alice, bob), [], Decimal("0.9"), DUE) for _ in range(8)]
        await alice.received(*ids)
        refused = []

        async def accept(invoice_id: str) -> None:
            try:
                await alice.service.deciding.accept(alice.id, INVOICE, invoice_id, Decimal("0.9"), allocation.id)
            except InvalidInput as error:
                refused.append(error.message)

        async with anyio.create_task_group() as tasks:
            for invoice_id in ids:
                tasks.start_soon(accept, invoice_id)
        assert refused == ["the allocation has only 0.5 left, and 0.9 is needed"] * 3
        assert await alice.remaining(allocation) == Decimal("0.5")
        assert sorted(await alice.states()) == [DocumentState.ACCEPTED] * 5 + [DocumentState.RECEIVED] * 3


async def test_a_node_that_hires_itself(trade: Trade) -> None:
    async with trade.party("alice", patience=0.01) as alice:
        agreement = await agree(alice, alice)
        allocation = await alice.allocate("1")
        invoice_id = await alice.service.issue_invoice(agreement, [], Decimal(1), DUE)
        await alice.becomes(DocumentState.RECEIVED, invoice_id)
        await alice.service.deciding.accept(alice.id, INVOICE, invoice_id, Decimal(1), allocation.id)

        async def roles() -> list[Role]:
            return sorted(payment.role for payment in await alice.service.payments(alice.id, 0))

        await eventually_is([Role.PROVIDER, Role.REQUESTOR], roles)
        with pytest.raises(NotFound):
            await alice.service.payment(alice.id, "none")
