from datetime import timedelta

import anyio
import pytest

from golem_vpn.errors import Forbidden, InvalidInput, NotFound, Overloaded
from golem_vpn.market import scan
from tests.unit.market.kit import OFFER, WISH, offer
from tests.unit.provider.kit import Requestor, World

pytestmark = pytest.mark.anyio


async def seen(alice: Requestor, scan_id: str, timeout: float = 0, max_events: int = 20) -> list[str]:
    return [one.id for one in await alice.market.scans.events(alice.id, scan_id, timeout, max_events)]


async def test_the_offers_there_are_and_those_to_come_each_once(world: World) -> None:
    async with world.pair() as (alice, bob):
        first = await offer(bob)
        await offer(bob, OFFER | {"golem.inf.mem.gib": 1.0})
        scan_id = alice.market.scans.begin(alice.id, WISH, 30)
        assert await seen(alice, scan_id) == [first]
        later: list[str] = []

        async def publish() -> None:
            await anyio.wait_all_tasks_blocked()
            later.append(await offer(bob))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(publish)
            found = await seen(alice, scan_id, timeout=20)
        assert found == later
        assert await seen(alice, scan_id) == []


async def test_portions_and_what_is_withdrawn(world: World) -> None:
    async with world.pair() as (alice, bob):
        offers = [await offer(bob) for _ in range(3)]
        scan_id = alice.market.scans.begin(alice.id, "()", 30)
        assert await seen(alice, scan_id, max_events=1) == offers[:1]
        await bob.market.offers.remove(bob.id, offers[1])
        assert await seen(alice, scan_id) == offers[2:]


async def test_one_providers_offers_only(world: World) -> None:
    async with world.pair() as (alice, bob):
        await offer(bob)
        scan_id = alice.market.scans.begin(alice.id, "()", 30)
        scans = alice.market.scans
        assert await scans.events(alice.id, scan_id, 0, 20, alice.id) == []
        assert len(await scans.events(alice.id, scan_id, 0, 20, bob.id)) == 1


async def test_scans_are_their_owners_and_end(world: World) -> None:
    async with world.pair() as (alice, bob):
        scans = alice.market.scans
        scan_id = scans.begin(alice.id, "()", 30)
        with pytest.raises(Forbidden):
            await scans.events(bob.id, scan_id, 0, 1)
        with pytest.raises(InvalidInput):
            scans.begin(alice.id, "(", 30)
        scans.end(alice.id, scan_id)
        with pytest.raises(NotFound):
            scans.end(alice.id, scan_id)


async def test_a_scan_that_nobody_asks_ends(world: World) -> None:
    async with world.pair() as (alice, _):
        scans = alice.market.scans
        scan_id = scans.begin(alice.id, "()", 30)
        await seen(alice, scan_id)
        scans.remove_idle()
        scans.check(alice.id, scan_id)
        scans._scans[scan_id].last_asked -= timedelta(seconds=31)
        scans.remove_idle()
        with pytest.raises(NotFound):
            scans.check(alice.id, scan_id)


async def test_there_are_only_so_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MAX_SCANS", 1)
    async with world.pair() as (alice, _):
        alice.market.scans.begin(alice.id, "()", 30)
        with pytest.raises(Overloaded):
            alice.market.scans.begin(alice.id, "()", 30)
