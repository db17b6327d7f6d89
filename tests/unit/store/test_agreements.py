from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from golem_vpn.store.agreements import AgreementRepository, AgreementState, Role, StoredAgreement
from golem_vpn.store.database import Database

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ALICE, BOB, CAROL = ("0x" + letter * 40 for letter in "abc")

AGREEMENT = StoredAgreement(
    id="1" * 64,
    role=Role.REQUESTOR,
    requestor_id=ALICE,
    provider_id=BOB,
    demand_id="d",
    demand_properties={"golem.srv.comp.task_package": "file:/images/web", "n": 1.5, "list": ["a"]},
    offer_id="o",
    created=NOON,
    valid_to=NOON + timedelta(hours=1),
    state=AgreementState.PENDING,
)


@pytest.fixture
def repository(database: Database) -> AgreementRepository:
    return AgreementRepository(database, Role.REQUESTOR)


async def test_what_is_stored_is_found(repository: AgreementRepository) -> None:
    await repository.add(AGREEMENT)
    assert await repository.find(AGREEMENT.id) == AGREEMENT
    assert await repository.find("2" * 64) is None


async def test_both_sides_of_one_agreement_in_one_node(repository: AgreementRepository, database: Database) -> None:
    provider = AgreementRepository(database, Role.PROVIDER)
    mirrored = msgspec.structs.replace(AGREEMENT, role=Role.PROVIDER)
    await repository.add(AGREEMENT)
    assert await provider.find(AGREEMENT.id) is None
    await provider.add(mirrored)
    await provider.change(AGREEMENT.id, only_in=AgreementState.PENDING, state=AgreementState.APPROVED)
    assert await repository.find(AGREEMENT.id) == AGREEMENT


async def test_what_was_read_before_does_not_hide_a_change(repository: AgreementRepository, database: Database) -> None:
    another = AgreementRepository(database, Role.REQUESTOR)
    await repository.add(AGREEMENT)
    assert await repository.find(AGREEMENT.id) == AGREEMENT
    changed = await another.change(
        AGREEMENT.id, only_in=AgreementState.PENDING, state=AgreementState.APPROVED, told=False
    )
    assert await repository.find(AGREEMENT.id) == changed != AGREEMENT
    await another.mark_told(AGREEMENT.id)
    found = await repository.find(AGREEMENT.id)
    assert found is not None
    assert found.told
    await another.change(AGREEMENT.id, only_in=AgreementState.APPROVED, state=AgreementState.TERMINATED, ended=NOON)
    await another.prune(NOON + timedelta(seconds=1))
    assert await repository.find(AGREEMENT.id) is None


async def test_lists_by_requestor_and_state(repository: AgreementRepository) -> None:
    later = msgspec.structs.replace(AGREEMENT, id="0" * 64, created=NOON + timedelta(seconds=1))
    others = msgspec.structs.replace(AGREEMENT, id="3" * 64, requestor_id=CAROL, state=AgreementState.APPROVED)
    for agreement in (later, AGREEMENT, others):
        await repository.add(agreement)
    assert await repository.of_requestor(ALICE) == [AGREEMENT, later]
    assert await repository.in_state(AgreementState.APPROVED) == [others]


async def test_a_change_happens_only_in_the_expected_state(repository: AgreementRepository) -> None:
    await repository.add(AGREEMENT)
    approved = await repository.change(
        AGREEMENT.id, only_in=AgreementState.PENDING, state=AgreementState.APPROVED, approved=NOON
    )
    assert approved == msgspec.structs.replace(AGREEMENT, state=AgreementState.APPROVED, approved=NOON)
    again = await repository.change(AGREEMENT.id, only_in=AgreementState.PENDING, state=AgreementState.CANCELLED)
    assert again is None
    assert await repository.find(AGREEMENT.id) == approved


async def test_what_the_other_side_does_not_know_yet(repository: AgreementRepository) -> None:
    await repository.add(msgspec.structs.replace(AGREEMENT, told=False))
    assert [agreement.id for agreement in await repository.untold()] == [AGREEMENT.id]
    await repository.mark_told(AGREEMENT.id)
    assert await repository.untold() == []
