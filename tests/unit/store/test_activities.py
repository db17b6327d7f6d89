from datetime import UTC, datetime

import msgspec
import pytest

from golem_vpn.store.activities import ActivityRepository, StoredActivity
from golem_vpn.store.agreements import Role
from golem_vpn.store.database import Database

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ACTIVITY = StoredActivity(id="a" * 32, role=Role.PROVIDER, agreement_id="1" * 64, created=NOON)


@pytest.fixture
def repository(database: Database) -> ActivityRepository:
    return ActivityRepository(database, Role.PROVIDER)


async def test_what_is_stored_is_found(repository: ActivityRepository, database: Database) -> None:
    await repository.add(ACTIVITY)
    assert await repository.find(ACTIVITY.id) == ACTIVITY
    assert await repository.of_agreement(ACTIVITY.agreement_id) == [ACTIVITY]
    assert await repository.of_agreement("2" * 64) == []
    assert await ActivityRepository(database, Role.REQUESTOR).find(ACTIVITY.id) is None


async def test_an_activity_ends_once(repository: ActivityRepository) -> None:
    await repository.add(ACTIVITY)
    assert await repository.end(ACTIVITY.id, at=NOON, reason="enough", usage={"golem.usage.cpu_sec": 0.5})
    assert not await repository.end(ACTIVITY.id, at=NOON, reason="again")
    expected = msgspec.structs.replace(ACTIVITY, ended=NOON, end_reason="enough", usage={"golem.usage.cpu_sec": 0.5})
    assert await repository.find(ACTIVITY.id) == expected


async def test_the_end_of_all_that_have_none(repository: ActivityRepository) -> None:
    ended, running = ACTIVITY, msgspec.structs.replace(ACTIVITY, id="b" * 32)
    await repository.add(ended)
    await repository.add(running)
    await repository.end(ended.id, at=NOON, reason="enough")
    assert await repository.end_all(at=NOON, reason="the provider's daemon restarted") == 1
    reasons = [activity.end_reason for activity in await repository.of_agreement(ACTIVITY.agreement_id)]
    assert reasons == ["enough", "the provider's daemon restarted"]


async def test_usage_is_noted_until_the_end(repository: ActivityRepository) -> None:
    await repository.add(ACTIVITY)
    await repository.note_usage(ACTIVITY.id, {"golem.usage.cpu_sec": 0.25})
    await repository.end_all(at=NOON, reason="killed")
    await repository.note_usage(ACTIVITY.id, {"golem.usage.cpu_sec": 99.0})
    stored = await repository.find(ACTIVITY.id)
    assert stored is not None
    assert stored.usage == {"golem.usage.cpu_sec": 0.25}


async def test_what_the_other_side_does_not_know_yet(repository: ActivityRepository) -> None:
    await repository.add(ACTIVITY)
    assert await repository.untold() == []
    await repository.end(ACTIVITY.id, at=NOON, reason="enough", told=False)
    [untold] = await repository.untold()
    await repository.mark_told(untold.id, {"golem.usage.duration_sec": 3.0})
    assert await repository.untold() == []
    stored = await repository.find(ACTIVITY.id)
    assert stored is not None
    assert stored.usage == {"golem.usage.duration_sec": 3.0}
