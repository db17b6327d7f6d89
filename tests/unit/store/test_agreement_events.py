from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from golem_vpn.store.agreement_events import AgreementEventKind, AgreementEventRepository, StoredAgreementEvent
from golem_vpn.store.agreements import AgreementRepository, AgreementState, Role
from golem_vpn.store.database import Database
from tests.unit.store.test_agreements import AGREEMENT, ALICE, BOB

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EVENT = StoredAgreementEvent(
    date=NOON,
    identity=ALICE,
    agreement_id=AGREEMENT.id,
    role=Role.REQUESTOR,
    app_session_id="session",
    kind=AgreementEventKind.APPROVED,
)
END = msgspec.structs.replace(
    EVENT,
    date=NOON + timedelta(microseconds=1),
    kind=AgreementEventKind.TERMINATED,
    terminator=Role.PROVIDER,
    reason={"message": "enough"},
)


@pytest.fixture
async def events(database: Database) -> AgreementEventRepository:
    """What happens to an agreement from its approval to its end."""
    agreements = AgreementRepository(database, Role.REQUESTOR)
    await agreements.add(AGREEMENT)
    pending, approved = AgreementState.PENDING, AgreementState.APPROVED
    await agreements.change(AGREEMENT.id, only_in=pending, event=EVENT, state=approved)
    await agreements.change(AGREEMENT.id, only_in=pending, event=END, state=AgreementState.REJECTED)
    await agreements.change(
        AGREEMENT.id, only_in={pending, approved}, event=END, state=AgreementState.TERMINATED, ended=NOON
    )
    return AgreementEventRepository(database)


async def test_events_are_stored_with_the_changes_they_tell_of(events: AgreementEventRepository) -> None:
    before = NOON - timedelta(microseconds=1)
    assert await events.of(ALICE, after=before, app_session_id=None, limit=9) == [EVENT, END]
    assert await events.of(ALICE, after=before, app_session_id="session", limit=1) == [EVENT]
    assert await events.of(ALICE, after=EVENT.date, app_session_id=None, limit=9) == [END]
    assert await events.of(ALICE, after=before, app_session_id="other", limit=9) == []
    assert await events.of(BOB, after=before, app_session_id=None, limit=9) == []
    assert await events.last_date() == END.date


async def test_they_are_forgotten_with_their_agreement(events: AgreementEventRepository, database: Database) -> None:
    agreements = AgreementRepository(database, Role.REQUESTOR)
    await agreements.prune(NOON)
    assert await events.last_date() == END.date
    await AgreementRepository(database, Role.PROVIDER).prune(NOON + timedelta(days=1))
    assert await events.last_date() == END.date
    await agreements.prune(NOON + timedelta(days=1))
    assert await events.last_date() is None
    assert await agreements.find(AGREEMENT.id) is None
