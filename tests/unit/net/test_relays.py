"""Relays in the directory: who runs them, who is told, who may use them."""

from pathlib import Path

import pytest

from golem_vpn.errors import Conflict, Forbidden, InvalidInput, PeerRefused, PeerUnreachable
from golem_vpn.net.memory import MemoryWire
from golem_vpn.net.messages import Admitted, AdmittedChanged, ListAdmitted, OfferRelay
from golem_vpn.net.relay_address import GUEST_MARK, RelayOffer, relay_text
from golem_vpn.net.ticket import Ticket, relay_pass
from tests.unit.net.kit import Echo, Shout, Station, cluster, eventually

pytestmark = pytest.mark.anyio


def keys_of(*stations: Station) -> set[bytes]:
    return {key for it in stations for key in (it.endpoint.endpoint_id, it.endpoint.carrier_id)}


def admits(relay: Station, *stations: Station) -> bool:
    return keys_of(*stations) <= relay.relay.admitted


async def test_members_use_the_relays_of_a_hub_and_of_its_members(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True, relay=True)
        alice = await nodes.start("alice", join=hub)
        assert alice.topology.relays == [hub.relay_text]
        assert [text.partition(GUEST_MARK)[0] for text in alice.endpoint.relays] == [hub.relay_text]
        assert admits(hub, hub, alice)
        relay = await nodes.start("relay", relay=True, join=hub)
        both = {hub.relay_text, relay.relay_text}
        await eventually(lambda: all(set(it.topology.relays) == both for it in (hub, alice, relay)))
        await eventually(lambda: admits(relay, hub, alice, relay))
        assert set(alice.record.relays) == both
        assert alice.record.carrier_id == alice.endpoint.carrier_id
        bob = await nodes.start("bob", join=hub)
        await eventually(lambda: set(bob.topology.relays) == both)
        await eventually(lambda: admits(hub, bob) and admits(relay, bob))
        [entry] = [it for it in bob.node.relays.known if it.offer.pin == relay.relay.pin]
        assert entry.node_id == relay.id


async def test_packets_of_a_peer_are_sent_through_the_relays_of_its_record(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True, relay=True)
        alice, bob = await nodes.start("alice", join=hub), await nodes.start("bob", join=hub)
        alice.node.peers.want({bob.id})
        expected = ([hub.relay_text], bob.endpoint.carrier_id)
        await eventually(lambda: alice.topology.peer_relays.get(bob.id) == expected)


async def test_an_expelled_node_is_cut_off_relays_and_its_own_relay_goes(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True, relay=True)
        relay = await nodes.start("relay", relay=True, join=hub)
        alice, eve = await nodes.start("alice", join=hub), await nodes.start("eve", relay=True, join=hub)
        await eventually(lambda: eve.relay_text in alice.topology.relays)
        await eventually(lambda: admits(relay, eve))
        await hub.node.directory.own_hub().expel(eve.id)
        await eventually(lambda: not any(keys_of(eve) & it.relay.admitted for it in (hub, relay)))
        await eventually(lambda: eve.relay_text not in alice.topology.relays)
        assert admits(relay, alice)


async def test_a_relay_goes_when_its_node_has_been_away(
    wire: MemoryWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golem_vpn.net.relay_board.CHECK_SECONDS", 0.01)
    monkeypatch.setattr("golem_vpn.net.relay_board.AWAY_SECONDS", 0.2)
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        relay = await nodes.start("relay", relay=True, join=hub)
        alice = await nodes.start("alice", join=hub)
        await eventually(lambda: alice.topology.relays == [relay.relay_text])
        await nodes.kill(relay)
        await eventually(lambda: alice.topology.relays == [])
        relay = await nodes.start("relay", relay=True)
        await eventually(lambda: alice.topology.relays == [relay.relay_text])


async def test_a_relay_goes_when_its_node_is_back_without_it(
    wire: MemoryWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golem_vpn.net.relay_board.CHECK_SECONDS", 0.01)
    monkeypatch.setattr("golem_vpn.net.relay_board.RENEWAL_SECONDS", 2.0)
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        relay = await nodes.start("relay", relay=True, join=hub)
        await eventually(lambda: hub.topology.relays == [relay.relay_text])
        await nodes.kill(relay)
        relay = await nodes.start("relay")
        await eventually(lambda: relay.id in hub.node.control.connected)
        await eventually(lambda: hub.topology.relays == [])


async def test_relays_outlive_their_hub(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        relay = await nodes.start("relay", relay=True, join=hub)
        alice = await nodes.start("alice", join=hub)
        await eventually(lambda: alice.topology.relays == [relay.relay_text])
        address = hub.endpoint.addresses
        await nodes.kill(hub)
        await nodes.kill(alice)
        alice = await nodes.start("alice")
        assert alice.topology.relays == [relay.relay_text]
        await nodes.kill(relay)
        hub = await nodes.start("hub", hub=True)
        hub.endpoint.addresses = address
        await eventually(lambda: hub.id in alice.node.control.connected)
        # The hub knows it from the disk, though its node is not back yet.
        assert hub.topology.relays == alice.topology.relays == [relay.relay_text]


async def test_a_hub_behind_a_nat_is_joined_through_its_relay_alone(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True, relay=True, hidden=True)
        await eventually(lambda: hub.record.control_addresses == (hub.relay_text,))
        text = await hub.node.directory.ticket()
        assert len(text) < 400
        assert Ticket.parse(text).addresses == ()
        alice = await nodes.start("alice", hidden=True)
        await eventually(lambda: bool(hub.node.directory.own_hub().admittance.entries))
        await alice.node.directory.join(text)
        assert alice.id in hub.node.directory.own_hub().members
        bob = await nodes.start("bob", hidden=True, join=hub)
        await eventually(lambda: admits(hub, alice, bob))
        await bob.node.directory.look_up(alice.id)
        assert await bob.node.control.request(alice.id, Shout("hi"), Echo) == Echo(bob.id, "hi")


async def test_a_revoked_ticket_opens_no_relay(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True, relay=True, hidden=True)
        own = hub.node.directory.own_hub()
        ticket, stored = await own.issue_ticket(uses=1)
        assert hub.relay.passes == {relay_pass(ticket.token)}
        await own.admission.revoke(stored.token_hash.hex())
        await eventually(lambda: hub.relay.passes == set())


async def test_a_ticket_that_is_no_good_leads_in_nowhere(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True, relay=True, hidden=True)
        alice = await nodes.start("alice", hidden=True)
        good = Ticket.parse(await hub.node.directory.ticket())
        forged = Ticket(good.hub, good.endpoint_id, (), b"u" * 16, good.expires_at, good.relays)
        # The relay knows no such pass, and where it does, the hub knows no such ticket.
        with pytest.raises(PeerUnreachable):
            await alice.node.directory.join(str(forged))
        hub.relay.passes.add(relay_pass(b"u" * 16))
        with pytest.raises(Forbidden):
            await alice.node.directory.join(str(forged))
        assert alice.endpoint.relays == alice.topology.relays == []
        await alice.node.directory.join(str(good))
        assert alice.id in hub.node.directory.own_hub().members
        # What is said to the relay is in no record.
        await eventually(lambda: alice.record.control_addresses == (hub.relay_text,))
        assert alice.record.relays == (hub.relay_text,)


async def test_a_relay_is_open_to_the_members_of_all_its_hubs(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        one, two = await nodes.start("one", hub=True), await nodes.start("two", hub=True)
        relay = await nodes.start("relay", relay=True, join=one)
        alice, bob = await nodes.start("alice", join=one), await nodes.start("bob", join=two)
        await relay.node.directory.join(await two.node.directory.ticket())
        await eventually(lambda: admits(relay, alice, bob, one, two))
        await eventually(lambda: bob.topology.relays == [relay.relay_text])
        await relay.node.directory.leave(two.id)
        await eventually(lambda: not keys_of(bob) & relay.relay.admitted)
        await eventually(lambda: bob.topology.relays == [])
        assert admits(relay, alice)


async def test_nodes_that_talk_go_on_without_any_hub(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        one, two = await nodes.start("one", hub=True, relay=True), await nodes.start("two", hub=True, relay=True)
        relay = await nodes.start("relay", relay=True, join=one)
        alice = await nodes.start("alice", hidden=True, join=one)
        bob = await nodes.start("bob", hidden=True, join=two)
        for station in (alice, relay):
            await station.node.directory.join(await two.node.directory.ticket())
        alice.node.peers.want({bob.id})
        await eventually(lambda: len(alice.topology.relays) == 3 and relay.relay_text in bob.topology.relays)
        await eventually(lambda: admits(relay, alice, bob) and bob.id in alice.node.control.connected)
        await nodes.kill(one)
        await nodes.kill(two)
        await eventually(lambda: bob.endpoint.home_relay == relay.relay_text)
        assert await alice.node.control.request(bob.id, Shout("hi"), Echo) == Echo(alice.id, "hi")
        # What was told of the move of its home relay is enough to connect anew, too.
        await eventually(lambda: relay.relay_text in _control_addresses(alice, bob))
        alice.endpoint.disconnect(bob.endpoint.endpoint_id)
        await eventually(lambda: bob.id in alice.node.control.connected)


async def test_a_node_uses_the_nearest_relays_at_the_nearest_address(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        board = hub.node.directory.own_hub().relays
        offers = [
            RelayOffer(bytes([number]) * 32, (f"192.0.2.{number}:1", f"10.0.0.{number}:1")) for number in range(6)
        ]
        nodes.round_trips = {it.texts[1]: 0.1 * number for number, it in enumerate(offers)}
        for number, offer in enumerate(offers):
            await board.offer(f"0x{number:040x}", offer)
        alice = await nodes.start("alice", join=hub)
        await eventually(lambda: alice.topology.relays == [it.texts[1] for it in offers[:4]])
        # Others are told where the relay wants to be dialled.
        assert alice.record.relays == tuple(it.texts[0] for it in offers[:4])


async def test_what_a_member_may_not_say_of_relays(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True, relay=True)
        alice, eve = await nodes.start("alice", join=hub), await nodes.start("eve")
        await eve.node.control.introduce(hub.endpoint.endpoint_id, hub.endpoint.addresses, hub.id, timeout=5)
        good = RelayOffer(b"p" * 32, ("192.0.2.1:7464",))
        with pytest.raises(Forbidden):
            await eve.node.control.request(hub.id, OfferRelay(good), type(None))
        with pytest.raises(InvalidInput):
            await alice.node.control.request(hub.id, OfferRelay(RelayOffer(b"", ())), type(None))
        stolen = RelayOffer(hub.relay.pin, ("192.0.2.1:7464",))
        with pytest.raises(Conflict, match="another node"):
            await alice.node.control.request(hub.id, OfferRelay(stolen), type(None))
        with pytest.raises(Forbidden):
            await alice.node.control.request(hub.id, ListAdmitted(""), list[Admitted])
        await alice.node.control.connect(hub.id)
        opened = AdmittedChanged((Admitted(eve.id, (eve.endpoint.endpoint_id,)),))
        with pytest.raises((Forbidden, PeerRefused)):
            await alice.node.control.request(hub.id, opened, type(None))
        assert not keys_of(eve) & hub.relay.admitted


async def test_who_shows_no_address_is_reached_through_relays_alone(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True, relay=True)
        alice = await nodes.start("alice", relayed_only=True, join=hub)
        bob = await nodes.start("bob", join=hub)
        await eventually(lambda: alice.record.control_addresses == (hub.relay_text,))
        assert alice.record.packet_addresses == ()
        assert alice.record.relays == (hub.relay_text,)
        await alice.node.control.connect(hub.id)
        await eventually(lambda: admits(hub, alice, bob))
        await bob.node.directory.look_up(alice.id)
        assert await bob.node.control.request(alice.id, Shout("hi"), Echo) == Echo(bob.id, "hi")
        assert alice.topology.reflectors == []
        # It dials nobody's address, either, as that shows its own.
        assert alice.endpoint.authorized[bob.endpoint.endpoint_id][1] == [hub.relay_text]


async def test_who_shows_no_address_can_join_no_hub_that_no_relay_leads_to(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice", relayed_only=True)
        with pytest.raises(PeerUnreachable, match="relays only"):
            await alice.node.directory.join(await hub.node.directory.ticket())


def _control_addresses(station: Station, other: Station) -> tuple[str, ...]:
    known = station.node.control.book.find(other.id)
    return known.record.control_addresses if known else ()


def test_the_text_of_a_relay() -> None:
    assert relay_text("192.0.2.1:7464", b"\xab" * 32) == "https://192.0.2.1:7464#sha256=" + "ab" * 32
