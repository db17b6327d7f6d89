from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from golem_vpn.store.agreements import AgreementRepository, AgreementState, Role, StoredAgreement
from golem_vpn.store.database import Database
from golem_vpn.store.settlements import SettlementRepository

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ENDED = StoredAgreement(
    id="1" * 64, role=Role.PROVIDER, requestor_id="0xa", provider_id="0xb", demand_id="d", offer_id="o",
    created=NOON, valid_to=NOON + timedelta(hours=1), state=AgreementState.TERMINATED, approved=NOON, ended=NOON,
)  # fmt: skip


async def test_what_ended_is_outstanding_until_it_is_settled(database: Database) -> None:
    settlements = SettlementRepository(database)
    await AgreementRepository(database, Role.PROVIDER).add(ENDED)
    assert await settlements.outstanding() == [ENDED]
    assert not await settlements.is_settled(ENDED.id)
    await settlements.settle(ENDED.id, NOON)
    assert await settlements.is_settled(ENDED.id)
    await settlements.settle(ENDED.id, NOON)
    assert await settlements.outstanding() == []


@pytest.mark.parametrize(
    "other",
    [
        msgspec.structs.replace(ENDED, state=AgreementState.APPROVED, ended=None),
        msgspec.structs.replace(ENDED, state=AgreementState.REJECTED, approved=None),
        msgspec.structs.replace(ENDED, role=Role.REQUESTOR),
    ],
)
async def test_what_never_was_in_force_or_still_is(other: StoredAgreement, database: Database) -> None:
    await AgreementRepository(database, other.role).add(other)
    assert await SettlementRepository(database).outstanding() == []


async def test_settlements_of_agreements_that_are_forgotten_are_too(database: Database) -> None:
    settlements, agreements = SettlementRepository(database), AgreementRepository(database, Role.PROVIDER)
    await agreements.add(ENDED)
    await settlements.settle(ENDED.id, NOON)
    await agreements.prune(NOON + timedelta(days=1))
    other = msgspec.structs.replace(ENDED, id="2" * 64)
    await agreements.add(other)
    await settlements.settle(other.id, NOON)
    assert [await settlements.is_settled(agreement.id) for agreement in (ENDED, other)] == [False, True]
