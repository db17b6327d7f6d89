from datetime import timedelta
from decimal import Decimal

import anyio
import pytest

from golem_vpn import moments
from golem_vpn.payment.journal import EventQuery
from golem_vpn.store.agreements import Role
from golem_vpn.store.payment import DocumentState, Event, Kind, Order, Step, Tally
from tests.unit.net.kit import eventually
from tests.unit.payment.kit import DUE, Party, Trade, agree

pytestmark = pytest.mark.anyio


def query(party: Party, kind: Kind = Kind.INVOICE, **options: object) -> EventQuery:
    steps = {Role.REQUESTOR: (Step.RECEIVE,), Role.PROVIDER: ()}
    return EventQuery(**{"owner_id": party.id, "kind": kind, "steps": steps, **options})  # type: ignore[arg-type]


async def test_polling_by_the_newest_date_gives_every_event_once(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        seen: list[Event] = []

        async def poll() -> None:
            after = None
            while True:
                for event in await alice.service.journal.events(query(alice, after=after, limit=3), 20):
                    seen.append(event)
                    after = event.created

        async def issue() -> None:
            await bob.service.issue_invoice(await agree(alice, bob), [], Decimal(1), DUE)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(poll)
            for _ in range(12):
                tasks.start_soon(issue)
            await eventually(lambda: len(seen) == 12)
            tasks.cancel_scope.cancel()
        assert len({event.document_id for event in seen}) == 12
        dates = [event.created for event in seen]
        assert dates == sorted(set(dates))


async def test_dates_go_on_rising_after_a_restart_with_a_clock_set_back(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        invoice_id = await bob.service.issue_invoice(await agree(alice, bob), [], Decimal(1), DUE)
        await alice.received(invoice_id)
        [event] = await alice.service.journal.events(query(alice), 0)
        later = event.created + timedelta(days=1)
        async with alice.service.journal.writing() as entry:
            await entry.records.put(Event(
                created=later, owner_id=alice.id, role=Role.REQUESTOR, kind=Kind.INVOICE, document_id="x",
                step=Step.SETTLE,
            ))  # fmt: skip
    async with trade.party("alice") as alice:
        async with alice.service.journal.writing() as entry:
            assert entry.now() == later + timedelta(microseconds=1)


async def test_what_is_asked_for(trade: Trade) -> None:
    async with trade.pair() as (alice, bob):
        agreement = await agree(alice, bob, app_session_id="ours")
        note_id = await bob.service.issue_debit_note(agreement, "a1", Decimal(1), [], None)
        await alice.received(note_id, kind=Kind.DEBIT_NOTE)
        journal = alice.service.journal
        assert await journal.events(query(alice), 0) == []
        [event] = await journal.events(query(alice, Kind.DEBIT_NOTE), 0)
        assert (event.document_id, event.step, event.role) == (note_id, Step.RECEIVE, Role.REQUESTOR)
        assert await journal.events(query(alice, Kind.DEBIT_NOTE, after=event.created), 0) == []
        assert await journal.events(query(alice, Kind.DEBIT_NOTE, app_session_id="other"), 0) == []
        assert await journal.events(query(alice, Kind.DEBIT_NOTE, app_session_id="ours"), 0) == [event]
        assert await journal.events(query(bob, Kind.DEBIT_NOTE), 0) == []


async def test_what_ended_long_ago_is_forgotten(trade: Trade) -> None:
    async with trade.pair(patience=0.01) as (alice, bob):
        allocation = await alice.allocate("5")
        invoice_id = await bob.service.issue_invoice(await agree(alice, bob), [], Decimal(1), DUE)
        open_id = await bob.service.issue_invoice(await agree(alice, bob), [], Decimal(1), DUE)
        await alice.received(invoice_id, open_id)
        await alice.service.deciding.accept(alice.id, Kind.INVOICE, invoice_id, Decimal(1), allocation.id)
        await alice.becomes(DocumentState.SETTLED, invoice_id)
        await bob.becomes(DocumentState.SETTLED, invoice_id)
        await alice.service.journal.prune(moments.now() - timedelta(days=1))
        assert len(await alice.states()) == 2
        await alice.service.journal.prune(moments.now() + timedelta(days=1))
        assert await alice.states() == [DocumentState.RECEIVED]
        assert await alice.steps() == []
        assert len(await alice.service.payments(alice.id, 0)) == 1
        async with alice.service.journal.reading() as records:
            assert await records.list(Order) == []
            assert await records.list(Tally) == []


async def test_an_error_undoes_the_whole_entry(trade: Trade) -> None:
    async with trade.pair() as (alice, _):

        async def fail() -> None:
            async with alice.service.journal.writing() as entry:
                await entry.records.put(
                    Event(
                        created=entry.now(), owner_id=alice.id, role=Role.REQUESTOR, kind=Kind.INVOICE,
                        document_id="x", step=Step.RECEIVE,
                    )
                )  # fmt: skip
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        assert await alice.service.journal.events(query(alice), 0) == []
