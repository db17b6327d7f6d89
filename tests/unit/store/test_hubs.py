from datetime import UTC, datetime, timedelta

import pytest

from golem_vpn.store.database import Database
from golem_vpn.store.hubs import HubRepository, JoinedHubRepository, StoredHub, StoredMember, StoredTicket

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
ALICE, BOB, CAROL = ("0x" + digit * 40 for digit in "234")


def ticket(name: bytes, expires: datetime, uses: int | None = None, used: int = 0) -> StoredTicket:
    return StoredTicket(name, "pass", NOW, expires, uses, used)


def member(node_id: str, *, ticket: bytes | None = None, expelled: datetime | None = None) -> StoredMember:
    return StoredMember(node_id=node_id, joined=NOW, last_seen=NOW, token_hash=ticket, expelled=expelled)


async def test_a_ticket_stays_until_it_is_dropped_or_revoked(database: Database) -> None:
    hub = HubRepository(database)
    one, two, three = ticket(b"one", NOW), ticket(b"two", LATER), ticket(b"three", LATER, 3)
    for it in (one, two, three):
        await hub.add_ticket(it)
    assert await hub.tickets() == [one, three, two]
    await hub.drop_tickets(NOW)
    await hub.revoke_ticket(b"three")
    assert await hub.tickets() == [two]


async def test_relays_of_members(database: Database) -> None:
    hub = HubRepository(database)
    await hub.put_relay(ALICE, b"one")
    await hub.put_relay(ALICE, b"other")
    await hub.put_relay(BOB, b"two")
    assert await hub.relays() == {ALICE: b"other", BOB: b"two"}
    await hub.remove_relay(ALICE)
    assert await hub.relays() == {BOB: b"two"}


async def test_a_ticket_admits_as_many_as_it_says(database: Database) -> None:
    hub = HubRepository(database)
    await hub.add_ticket(ticket(b"one", LATER, 1))
    await hub.add_ticket(ticket(b"any", LATER))
    await hub.add_ticket(ticket(b"old", NOW))
    assert await hub.redeem(b"one", member(ALICE, ticket=b"one"))
    assert not await hub.redeem(b"one", member(BOB, ticket=b"one"))
    assert not await hub.redeem(b"old", member(BOB, ticket=b"old"))
    assert not await hub.redeem(b"none", member(BOB, ticket=b"none"))
    assert await hub.members() == [member(ALICE, ticket=b"one")]
    assert await hub.redeem(b"any", member(BOB, ticket=b"any"))
    assert {it.token_hash: it.used for it in await hub.tickets()} == {b"one": 1, b"any": 1, b"old": 0}


async def test_an_expulsion_and_the_end_of_a_ticket_are_one_moment(database: Database) -> None:
    hub = HubRepository(database)
    await hub.add_ticket(ticket(b"one", LATER))
    await hub.redeem(b"one", member(ALICE, ticket=b"one"))
    await hub.put_member(member(ALICE, expelled=LATER), revoked_ticket=b"one")
    assert await hub.members() == [member(ALICE, expelled=LATER)]
    assert await hub.tickets() == []


async def test_members_are_seen_and_go(database: Database) -> None:
    hub = HubRepository(database)
    await hub.put_member(member(ALICE))
    await hub.put_member(member(BOB))
    await hub.note_seen({ALICE: LATER, CAROL: LATER})
    assert [(it.node_id, it.last_seen) for it in await hub.members()] == [(ALICE, LATER), (BOB, NOW)]
    await hub.remove_member(ALICE)
    assert await hub.members() == [member(BOB)]


async def test_a_joined_hub_is_replaced_by_what_is_known_now(database: Database) -> None:
    hubs = JoinedHubRepository(database)
    await hubs.put(StoredHub(ALICE, b"e" * 32, ("127.0.0.1:1",), b"token"))
    moved = StoredHub(ALICE, b"f" * 32, ("127.0.0.1:2", "[::1]:2"), None, b"relays")
    await hubs.put(moved)
    assert await hubs.all() == [moved]
    await hubs.remove(ALICE)
    assert await hubs.all() == []
