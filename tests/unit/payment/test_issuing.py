from decimal import Decimal

import pytest

from golem_vpn.errors import Conflict, Forbidden, InvalidInput, NotFound, PeerUnreachable
from golem_vpn.payment.messages import AcceptDocument, RejectDocument
from golem_vpn.store.payment import Document, DocumentState, Kind, Step
from tests.unit.payment.kit import DUE, Party, Trade, agree

pytestmark = pytest.mark.anyio

INVOICE = Kind.INVOICE


async def issued(alice: Party, bob: Party, *, send: bool) -> Document:
    agreement = await agree(alice, bob)
    return await bob.service.issuing.issue_invoice(agreement, [], Decimal(1), DUE, send=send)


async def test_issued_now_and_sent_later(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        invoice = await issued(alice, bob, send=False)
        assert (invoice.state, invoice.told) == (DocumentState.ISSUED, True)
        with pytest.raises(NotFound):
            await alice.service.issuing.send(alice.id, INVOICE, invoice.id)
        for _ in range(2):
            await bob.service.issuing.send(bob.id, INVOICE, invoice.id)
        await alice.received(invoice.id)
        await bob.becomes(DocumentState.RECEIVED, invoice.id)


async def test_a_second_invoice_only_after_the_first_was_taken_back(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        agreement = await agree(alice, bob)
        first = await bob.service.issue_invoice(agreement, [], Decimal(1), DUE)
        with pytest.raises(Conflict):
            await bob.service.issuing.issue_invoice(agreement, [], Decimal(2), DUE, send=True)
        await alice.received(first)
        await bob.becomes(DocumentState.RECEIVED, first)
        for _ in range(2):
            await bob.service.issuing.cancel(bob.id, INVOICE, first)
        second = await bob.service.issuing.issue_invoice(agreement, [], Decimal(2), DUE, send=True)
        await alice.received(first, second.id)
        assert await alice.steps() == [Step.RECEIVE, Step.CANCEL, Step.RECEIVE]
        allocation = await alice.allocate("5")
        with pytest.raises(Conflict, match="CANCELLED"):
            await alice.service.deciding.accept(alice.id, INVOICE, first, Decimal(1), allocation.id)


async def test_taken_back_before_it_was_sent(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        invoice = await issued(alice, bob, send=False)
        await bob.service.issuing.cancel(bob.id, INVOICE, invoice.id)
        assert await bob.states() == [DocumentState.CANCELLED]
        await bob.service.issuing.send(bob.id, INVOICE, invoice.id)
        assert await alice.states() == []


async def test_what_was_accepted_is_not_taken_back(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        invoice, allocation = await issued(alice, bob, send=True), await alice.allocate("5")
        await alice.received(invoice.id)
        await alice.service.deciding.accept(alice.id, INVOICE, invoice.id, Decimal(1), allocation.id)
        with pytest.raises(Conflict):
            await bob.service.issuing.cancel(bob.id, INVOICE, invoice.id)
        trade.wire.cut(alice.node.endpoint, bob.node.endpoint)
        with pytest.raises(PeerUnreachable):
            await bob.service.issuing.cancel(bob.id, INVOICE, invoice.id)
        assert await alice.states() == [DocumentState.ACCEPTED]


async def test_only_its_recipient_decides(trade: Trade) -> None:
    async with trade.pair() as (alice, bob), trade.party("eve") as eve:
        eve.node.knows(bob.node)
        bob.node.knows(eve.node)
        invoice = await issued(alice, bob, send=True)
        await bob.becomes(DocumentState.RECEIVED, invoice.id)
        for message in (AcceptDocument(invoice.id, Decimal(1)), RejectDocument(invoice.id, {})):
            with pytest.raises(Forbidden):
                await eve.node.control.request(bob.id, message, type(None))
        with pytest.raises(NotFound):
            await alice.node.control.request(bob.id, RejectDocument("none", {}), type(None))
        with pytest.raises(InvalidInput):
            await alice.node.control.request(bob.id, AcceptDocument(invoice.id, Decimal(2)), type(None))
        assert await bob.states() == [DocumentState.RECEIVED]
