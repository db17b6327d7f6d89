from datetime import timedelta
from pathlib import Path

import pytest

from golem_vpn.errors import Conflict, Expelled, Forbidden, GolemVpnError, InvalidInput, NotFound, PeerRefused
from golem_vpn.net.admission import ticket_name
from golem_vpn.net.hub import MAX_LOOKUP
from golem_vpn.net.memory import MemoryWire
from golem_vpn.net.messages import LookUp
from golem_vpn.net.record import SignedRecord
from golem_vpn.net.ticket import Ticket, token_hash
from golem_vpn.store.hubs import HubRepository
from tests.unit.net.kit import Echo, Shout, cluster, eventually
from tests.unit.net.test_membership import NETWORK, draft

pytestmark = pytest.mark.anyio

EVE, MALLORY = "0x" + "e" * 40, "0x" + "a" * 40


async def test_an_expired_ticket_is_refused_by_the_hub_too(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice")
        assert hub.node.hub is not None
        ticket, _ = await hub.node.hub.issue_ticket(timedelta(seconds=-1))
        with pytest.raises(InvalidInput, match="expired"):
            await alice.node.directory.join(str(ticket))
        forged = type(ticket)(ticket.hub, ticket.endpoint_id, ticket.addresses, ticket.token, ticket.expires_at + 3600)
        with pytest.raises(Forbidden, match="expired"):
            await alice.node.directory.join(str(forged))


async def test_a_token_is_stored_as_its_hash_only(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        assert hub.node.hub is not None
        ticket, stored = await hub.node.hub.issue_ticket()
        assert stored.token_hash == token_hash(ticket.token)
        assert await HubRepository(hub.database).tickets() == [stored]
        written = b"".join(path.read_bytes() for path in (tmp_path / "hub").glob("golem-vpn.db*"))
        assert token_hash(ticket.token) in written
        assert ticket.token not in written


async def test_a_lookup_has_a_limit(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice", join=hub)
        many = tuple(f"0x{number:040x}" for number in range(MAX_LOOKUP + 1))
        with pytest.raises(InvalidInput, match="at most"):
            await alice.node.control.request(hub.id, LookUp(many), list[SignedRecord])
        await alice.node.directory.look_up_all(list(many))


async def test_a_long_list_comes_in_pages(wire: MemoryWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("golem_vpn.net.hub.PAGE", 2)
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        others = [await nodes.start(name, join=hub) for name in ("alice", "bob", "carol", "dave")]
        listed = await others[0].node.directory.nodes()
        assert [entry.node_id for entry in listed] == sorted(station.id for station in (hub, *others))


async def test_a_ticket_admits_as_many_nodes_as_it_says(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice, bob = await nodes.start("alice"), await nodes.start("bob")
        ticket, _ = await hub.node.directory.own_hub().issue_ticket(uses=1)
        await alice.node.directory.join(str(ticket))
        await alice.node.directory.join(str(ticket))
        with pytest.raises(Forbidden, match="used up"):
            await bob.node.directory.join(str(ticket))
        await hub.node.directory.own_hub().admit(bob.id)
        await bob.node.directory.join(str(ticket))
        assert set(hub.node.directory.own_hub().members) == {alice.id, bob.id}


async def test_an_expelled_node_is_a_stranger_to_all_and_its_ticket_void(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice", join=hub)
        eve, mallory = await nodes.start("eve"), await nodes.start("mallory")
        ticket = await hub.node.directory.ticket()
        await eve.node.directory.join(ticket)
        await alice.node.control.connect(eve.id)
        await eve.node.control.request(alice.id, Shout("hi"), Echo)
        assert await hub.node.directory.own_hub().expel(eve.id) == ticket_name(token_hash(Ticket.parse(ticket).token))
        with pytest.raises(Forbidden):
            await mallory.node.directory.join(ticket)
        await eventually(lambda: eve.id in alice.node.exclusions)
        for station in (hub, alice):
            assert eve.endpoint.endpoint_id not in station.endpoint.authorized
            with pytest.raises(GolemVpnError, match="expelled"):
                await eve.node.control.request(station.id, Shout("hi"), Echo)
            with pytest.raises(Expelled):
                await station.node.control.request(eve.id, Shout("hi"), Echo)
        with pytest.raises(PeerRefused, match="expelled"):
            await eve.node.directory.join(await hub.node.directory.ticket())
        assert eve.id not in {entry.node_id for entry in await alice.node.directory.nodes()}
        await hub.node.directory.own_hub().admit(eve.id)
        await eventually(lambda: eve.id not in alice.node.exclusions)
        assert await eve.node.control.request(alice.id, Shout("hi"), Echo) == Echo(eve.id, "hi")


async def test_who_was_away_hears_of_an_expulsion_when_it_is_back(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice", join=hub)
        eve = await nodes.start("eve", join=hub)
        await nodes.kill(alice)
        await hub.node.directory.own_hub().expel(eve.id)
        alice = await nodes.start("alice")
        await eventually(lambda: eve.id in alice.node.exclusions)
        address = hub.endpoint.addresses
        await nodes.kill(hub)
        await nodes.kill(alice)
        # It is known without the hub from then on, and the hub itself has not forgotten.
        alice = await nodes.start("alice")
        assert eve.id in alice.node.exclusions
        hub = await nodes.start("hub", hub=True)
        hub.endpoint.addresses = address
        assert eve.id in hub.node.exclusions
        assert eve.id not in hub.node.directory.own_hub().members


async def test_a_missed_expulsion_is_made_up_for(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice", join=hub)
        await eventually(lambda: hub.id in alice.node.control.connected)
        lost: list[bytes] = []

        def lose(message: bytes) -> bool:
            if b"standing-changed" in message:
                lost.append(message)
            return bool(lost)

        hub.endpoint.lose = lose
        await hub.node.directory.own_hub().expel(EVE)
        await eventually(lambda: len(lost) == 1)
        hub.endpoint.lose = lambda _message: False
        await hub.node.directory.own_hub().expel(MALLORY)
        await eventually(lambda: EVE in alice.node.exclusions and MALLORY in alice.node.exclusions)


async def test_a_hub_speaks_for_those_alone_who_are_known_through_it(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        one, two = await nodes.start("one", hub=True), await nodes.start("two", hub=True)
        alice, bob = await nodes.start("alice", join=one), await nodes.start("bob", join=two)
        await alice.node.directory.join(await two.node.directory.ticket())
        await alice.node.directory.look_up(bob.id)
        await one.node.directory.own_hub().expel(bob.id)
        await eventually(lambda: bob.id in one.node.exclusions)
        assert await bob.node.control.request(alice.id, Shout("hi"), Echo) == Echo(bob.id, "hi")
        await two.node.directory.own_hub().expel(bob.id)
        await eventually(lambda: bob.id in alice.node.exclusions)
        await alice.node.directory.leave(two.id)
        assert bob.id in alice.node.exclusions
        assert await alice.node.directory.leave() == one.id
        assert bob.id not in alice.node.exclusions


async def test_members_of_a_network_are_cut_whatever_its_owner_says(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        owner, member, eve = [await nodes.start(name, join=hub) for name in ("owner", "member", "eve")]
        await owner.node.membership.publish(draft(owner, member, eve))
        await eventually(lambda: all(NETWORK in it.topology.networks for it in (owner, member, eve)))
        await eventually(lambda: eve.id in member.topology.peers)
        await hub.node.directory.own_hub().expel(eve.id)
        await eventually(lambda: not any(eve.id in it.topology.peers for it in (owner, member)))
        for station in (owner, member):
            assert station.topology.networks[NETWORK].node_ids == {owner.id, member.id}
            document = station.node.membership.document(NETWORK)
            assert document is not None
            assert eve.id in document.node_ids
        await hub.node.directory.own_hub().admit(eve.id)
        await eventually(lambda: all(eve.id in it.topology.networks[NETWORK].node_ids for it in (owner, member)))


async def test_leaving(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        one, two = await nodes.start("one", hub=True), await nodes.start("two", hub=True)
        alice = await nodes.start("alice", join=one)
        await alice.node.directory.join(await two.node.directory.ticket())
        with pytest.raises(Conflict, match="several"):
            await alice.node.directory.leave()
        with pytest.raises(NotFound):
            await alice.node.directory.leave(alice.id)
        assert await alice.node.directory.leave(one.id) == one.id
        assert alice.id not in one.node.directory.own_hub().members
        assert alice.node.directory.hubs == [two.id]
        await nodes.kill(two)
        assert await alice.node.directory.leave() == two.id
        with pytest.raises(NotFound):
            await alice.node.directory.leave()
        await alice.node.directory.join(await one.node.directory.ticket())
        assert alice.node.directory.hubs == [one.id]


async def test_a_hub_cannot_expel_itself(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        with pytest.raises(InvalidInput):
            await hub.node.directory.own_hub().expel(hub.id)
