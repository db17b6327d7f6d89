from datetime import UTC, datetime, timedelta

import pytest

from golem_vpn.store.database import Database
from golem_vpn.store.hubs import HubRepository, JoinedHubRepository, StoredHub, StoredMember

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
ALICE = "0x" + "2" * 40


async def test_a_ticket_is_good_until_it_is_dropped(database: Database) -> None:
    hub = HubRepository(database)
    await hub.add_ticket(b"one", NOW)
    await hub.add_ticket(b"two", LATER)
    assert await hub.ticket_expiry(b"one") == NOW
    assert await hub.ticket_expiry(b"none") is None
    await hub.drop_tickets(LATER)
    assert await hub.ticket_expiry(b"one") is None
    assert await hub.ticket_expiry(b"two") == LATER


async def test_a_member_joins_once_and_is_seen_often(database: Database) -> None:
    hub = HubRepository(database)
    await hub.add_member(ALICE, NOW)
    await hub.note_seen(ALICE, LATER)
    await hub.add_member(ALICE, NOW)
    assert await hub.members() == [StoredMember(ALICE, LATER)]


async def test_a_joined_hub_is_replaced_by_what_is_known_now(database: Database) -> None:
    hubs = JoinedHubRepository(database)
    await hubs.put(StoredHub(ALICE, b"e" * 32, ("127.0.0.1:1",), b"token"))
    moved = StoredHub(ALICE, b"f" * 32, ("127.0.0.1:2", "[::1]:2"), None)
    await hubs.put(moved)
    assert await hubs.all() == [moved]
    await hubs.remove(ALICE)
    assert await hubs.all() == []
