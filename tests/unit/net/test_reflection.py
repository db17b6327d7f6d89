from pathlib import Path

import pytest

from golem_vpn.errors import Forbidden
from golem_vpn.net import reflection
from golem_vpn.net.memory import MemoryWire
from golem_vpn.net.messages import Reflect, Reflecting
from golem_vpn.net.record import Candidate
from golem_vpn.net.reflection import best_addresses
from tests.unit.net.kit import Station, cluster, eventually

pytestmark = pytest.mark.anyio


def agrees(asker: Station, *reflectors: Station) -> bool:
    """Tells whether a node asks these for its address, under indices and keys that they know."""
    handed_out = {(index, key) for it in reflectors for index, key in it.topology.reflecting.items()}
    asked = {(index, key) for _, index, key in asker.topology.reflectors}
    places = {address for address, _, _ in asker.topology.reflectors}
    return asked <= handed_out and places == {it.topology.addresses[0] for it in reflectors}


async def test_members_ask_hubs_and_relays(wire: MemoryWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflection, "ASK_AGAIN_SECONDS", 0.1)
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        relay = await nodes.start("relay", relay=True, join=hub)
        alice = await nodes.start("alice", join=hub)
        await eventually(lambda: agrees(alice, hub, relay))
        await eventually(lambda: agrees(hub, relay))
        assert len(alice.topology.reflectors) == 2
        assert hub.node.mirror is not None
        assert hub.node.mirror.askers == 2
        assert alice.node.mirror is None


async def test_a_reflector_that_restarted_is_asked_anew(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice", join=hub)
        await eventually(lambda: agrees(alice, hub))
        before, address = list(alice.topology.reflectors), hub.endpoint.addresses
        await nodes.kill(hub)
        hub = await nodes.start("hub", hub=True)
        hub.endpoint.addresses = address
        await eventually(lambda: alice.topology.reflectors != before and agrees(alice, hub))


async def test_a_node_that_asks_again_has_one_index(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice", join=hub)
        answers = [await alice.node.control.request(hub.id, Reflect(), Reflecting) for _ in range(3)]
        assert hub.topology.reflecting == {answers[-1].index: answers[-1].key}


async def test_strangers_and_expelled_nodes_are_told_nothing(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice, eve = await nodes.start("alice", join=hub), await nodes.start("eve")
        await eve.node.control.introduce(hub.endpoint.endpoint_id, hub.endpoint.addresses, hub.id, timeout=5)
        with pytest.raises(Forbidden):
            await eve.node.control.request(hub.id, Reflect(), Reflecting)
        await eventually(lambda: len(hub.topology.reflecting) == 1)
        await hub.node.directory.own_hub().expel(alice.id)
        assert hub.topology.reflecting == {}


async def test_what_was_reflected_reaches_peers(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice, bob = await nodes.start("alice", join=hub), await nodes.start("bob", join=hub)
        alice.node.peers.want({bob.id})
        await eventually(lambda: bob.id in alice.node.control.connected)
        bob.topology.reflected.append("198.51.100.1:4000")
        await eventually(lambda: "198.51.100.1:4000" in alice.topology.peers[bob.id])
        assert Candidate("198.51.100.1:4000", "reflected") in bob.record.packet_addresses


def test_of_a_reflectors_addresses_one_of_each_kind_is_asked() -> None:
    candidates = [
        Candidate("10.0.0.1:1", "interface"),
        Candidate("8.8.8.8:1", "interface"),
        Candidate("[fd00::1]:1", "interface"),
        Candidate("[2600::1]:1", "interface"),
    ]
    assert best_addresses(candidates) == ("8.8.8.8:1", "[2600::1]:1")
    assert best_addresses([Candidate("192.0.2.1:1", "configured"), *candidates])[0] == "192.0.2.1:1"
    assert best_addresses([Candidate("10.0.0.1:1", "interface")]) == ("10.0.0.1:1",)
    assert best_addresses([]) == ()
