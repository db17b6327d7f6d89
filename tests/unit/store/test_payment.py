from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from golem_vpn.store.agreements import Role
from golem_vpn.store.database import Database
from golem_vpn.store.payment import (
    Allocation,
    Document,
    DocumentState,
    Event,
    Kind,
    Payment,
    PaymentPart,
    PaymentRepository,
    Statement,
    Step,
    Tally,
)

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TINY = Decimal("0.000000000000000001")

ALLOCATION = Allocation(
    id="1", owner_id="a", address="A", platform="p", total=Decimal(10**9) - TINY, spent=TINY, created=NOON, updated=NOON
)
DOCUMENT = Document(
    id="1", role=Role.REQUESTOR, kind=Kind.DEBIT_NOTE, issuer_id="b", recipient_id="a", owner_id="a",
    payee_address="b", payer_address="A", platform="p", agreement_id="2", activity_ids=("x",), amount=TINY,
    usage=(1.0, 2.5), due=NOON, previous_id="0", created=NOON, state=DocumentState.RECEIVED,
    rejection={"message": "no"}, app_session_id="s", allocation_id="3", told=False,
)  # fmt: skip
EVENT = Event(
    created=NOON, owner_id="a", role=Role.PROVIDER, kind=Kind.INVOICE, document_id="1", step=Step.REJECT,
    rejection={"message": "no"}, app_session_id="s",
)  # fmt: skip
PAYMENT = Payment(
    id="1", role=Role.PROVIDER, owner_id="b", payer_id="a", payer_address="A", payee_id="b", payee_address="b",
    platform="p", amount=TINY, parts=(PaymentPart("2", "x", TINY, "1"),), proof=b"\0", app_session_id=None,
    created=NOON,
)  # fmt: skip
STATEMENT = Statement(
    role=Role.REQUESTOR, payer_id="a", payee_id="b", platform="p", sequence=1, transfer_id="t", amount=TINY,
    total=TINY, created=NOON, signed=b"\1",
)  # fmt: skip


@pytest.fixture
def repository(database: Database) -> PaymentRepository:
    return PaymentRepository(database)


@pytest.mark.parametrize(
    "record", [ALLOCATION, DOCUMENT, EVENT, PAYMENT, STATEMENT], ids=lambda record: type(record).__name__
)
async def test_what_is_stored_is_found_as_it_was(repository: PaymentRepository, record: msgspec.Struct) -> None:
    async with repository.writing() as records:
        await records.put(record)
    async with repository.reading() as records:
        assert await records.list(type(record)) == [record]
        assert await records.newest(type(record)) == record


async def test_each_role_has_its_own(repository: PaymentRepository) -> None:
    other = msgspec.structs.replace(DOCUMENT, role=Role.PROVIDER, state=DocumentState.ISSUED)
    async with repository.writing() as records:
        await records.put(DOCUMENT)
        await records.put(other)
        await records.put(msgspec.structs.replace(other, state=DocumentState.FAILED))
        assert await records.find(Document, "1", Role.REQUESTOR) == DOCUMENT
        changed = await records.find(Document, "1", Role.PROVIDER)
    assert changed is not None
    assert changed.state is DocumentState.FAILED


async def test_lists_by_attributes_dates_and_number(repository: PaymentRepository) -> None:
    notes = [
        msgspec.structs.replace(
            DOCUMENT, id=str(number), created=NOON + timedelta(microseconds=number), told=number > 1
        )
        for number in range(4)
    ]
    async with repository.writing() as records:
        for note in reversed(notes):
            await records.put(note)
    async with repository.reading() as records:
        assert await records.list(Document, limit=2) == notes[:2]
        assert await records.list(Document, after=notes[1].created) == notes[2:]
        assert await records.list(Document, told=False, kind=Kind.DEBIT_NOTE) == notes[:2]
        assert await records.list(Document, id=("0", "3")) == [notes[0], notes[3]]
        assert await records.list(Document, rejection=None) == []
        assert await records.newest(Document, activity_ids=["x"]) == notes[3]
        assert await records.newest(Document, activity_ids=["y"]) is None


async def test_forgotten_by_date_and_without_documents(repository: PaymentRepository) -> None:
    async with repository.writing() as records:
        await records.put(DOCUMENT)
        kept = await records.put(Tally(agreement_id=DOCUMENT.agreement_id, role=Role.REQUESTOR, paid=TINY))
        await records.put(Tally(agreement_id="gone", role=Role.REQUESTOR))
        await records.forget(Document, before=NOON)
        await records.forget_idle_tallies()
        assert await records.list(Document) == [DOCUMENT]
        assert await records.list(Tally) == [kept]
        await records.forget(Document, before=NOON + timedelta(seconds=1), state=(DocumentState.RECEIVED,))
        assert await records.list(Document) == []
