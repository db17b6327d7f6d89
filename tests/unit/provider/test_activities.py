from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from golem_vpn.errors import Conflict, Gone, InvalidInput, NotFound, RuntimeUnavailable
from golem_vpn.exeunit.exeunit import ExeUnit
from golem_vpn.provider import activities as module
from golem_vpn.provider.activities import RESTARTED, Means, ProviderActivities
from golem_vpn.store.activities import ActivityRepository, StoredActivity
from golem_vpn.store.agreements import AgreementState, Role, StoredAgreement
from tests.unit.exeunit.kit import NotedCarrier, NotedNetworks
from tests.unit.exeunit.local_packages import LocalPackages
from tests.unit.exeunit.plain_runtime import PlainRuntime
from tests.unit.provider.kit import World

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
AGREEMENT = StoredAgreement(
    id="1" * 64,
    role=Role.PROVIDER,
    requestor_id="0x" + "a" * 40,
    provider_id="0x" + "b" * 40,
    demand_id="d",
    demand_properties={"golem.inf.mem.gib": 1},
    offer_id="o",
    created=NOON,
    valid_to=NOON,
    state=AgreementState.APPROVED,
)


def make_activities(repository: ActivityRepository, directory: Path) -> ProviderActivities:
    means = Means(PlainRuntime, NotedNetworks(), LocalPackages(), NotedCarrier(), directory / "activities", hidden=())
    return ProviderActivities(repository, means, maximum=2)


def unit_of(activities: ProviderActivities, activity_id: str) -> ExeUnit:
    unit = activities.unit(activity_id)
    assert unit is not None
    return unit


async def test_opening_ends_what_a_kill_left_and_removes_its_directories(world: World) -> None:
    left = StoredActivity(id="a" * 32, role=Role.PROVIDER, agreement_id=AGREEMENT.id, created=NOON)
    (world.directory / "activities" / left.id).mkdir(parents=True)
    async with world.database("bob") as database:
        repository = ActivityRepository(database, Role.PROVIDER)
        await repository.add(left)
        activities = make_activities(repository, world.directory)
        await activities.open()
        assert (await activities.find(left.id)).end_reason == RESTARTED
        assert activities.unit(left.id) is None
    assert not (world.directory / "activities").exists()


async def test_create_find_destroy(world: World) -> None:
    async with world.database("bob") as database, anyio.create_task_group() as tasks:
        activities = make_activities(ActivityRepository(database, Role.PROVIDER), world.directory)
        with pytest.raises(RuntimeUnavailable):
            await activities.create("a" * 32, AGREEMENT)
        tasks.start_soon(activities.run)
        await anyio.wait_all_tasks_blocked()

        for _ in range(2):
            await activities.create("a" * 32, AGREEMENT)
        assert unit_of(activities, "a" * 32).requestor == AGREEMENT.requestor_id
        await activities.create("b" * 32, AGREEMENT)
        with pytest.raises(Conflict, match="2 activities"):
            await activities.create("c" * 32, AGREEMENT)

        await activities.destroy("a" * 32, "enough")
        await activities.destroy("0" * 32, "there is none")
        assert not unit_of(activities, "a" * 32).is_live
        assert (await activities.find("a" * 32)).end_reason == "enough"
        await activities.create("c" * 32, AGREEMENT)
        await activities.destroy_of_agreement(AGREEMENT.id, "all")
        assert (await activities.find("b" * 32)).end_reason == "all"
        with pytest.raises(NotFound):
            await activities.find("d" * 32)
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("activity_id", ["", "../" + "a" * 29, "A" * 32, "a" * 31])
async def test_an_id_that_is_none(world: World, activity_id: str) -> None:
    async with world.database("bob") as database:
        activities = make_activities(ActivityRepository(database, Role.PROVIDER), world.directory)
        with pytest.raises(InvalidInput, match="32 hex digits"):
            await activities.create(activity_id, AGREEMENT)


async def test_only_the_latest_ended_units_are_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ENDED_KEPT", 1)
    async with world.database("bob") as database, anyio.create_task_group() as tasks:
        activities = make_activities(ActivityRepository(database, Role.PROVIDER), world.directory)
        tasks.start_soon(activities.run)
        await anyio.wait_all_tasks_blocked()
        for letter in "abc":
            await activities.create(letter * 32, AGREEMENT)
            await activities.destroy(letter * 32, "enough")
        assert [activities.unit(letter * 32) is None for letter in "abc"] == [True, True, False]
        with pytest.raises(Gone):
            await activities.create("a" * 32, AGREEMENT)
        tasks.cancel_scope.cancel()


async def test_being_cancelled_ends_all(world: World) -> None:
    async with world.database("bob") as database:
        activities = make_activities(ActivityRepository(database, Role.PROVIDER), world.directory)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(activities.run)
            await anyio.wait_all_tasks_blocked()
            await activities.create("a" * 32, AGREEMENT)
            unit_of(activities, "a" * 32).exec("b", '[{"deploy": {}}, {"start": {}}]')
            tasks.cancel_scope.cancel()
        assert (await activities.find("a" * 32)).end_reason == "the provider's daemon is shutting down"
