from pathlib import Path

import pytest

from golem_vpn.net.memory import MemoryWire
from tests.unit.net.kit import cluster, eventually

pytestmark = pytest.mark.anyio

NOBODY = "0x" + "0" * 40


async def test_wanted_nodes_are_connected_and_others_forgotten(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice", join=hub)
        bob = await nodes.start("bob", join=hub)
        alice.node.peers.want({bob.id, NOBODY})
        await eventually(lambda: bob.id in alice.node.control.connected)
        assert alice.topology.peers.keys() == {bob.id}
        assert set(alice.node.peers.wanted) == {bob.id, NOBODY}
        alice.node.peers.want({NOBODY})
        assert alice.topology.peers == {}


async def test_a_node_that_comes_later_is_found(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice", join=hub)
        bob = await nodes.start("bob")
        alice.node.peers.want({bob.id})
        await bob.node.directory.join(await hub.node.directory.ticket())
        await eventually(lambda: bob.id in alice.node.control.connected)


async def test_a_broken_connection_is_made_anew(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice", join=hub)
        bob = await nodes.start("bob", join=hub)
        alice.node.peers.want({bob.id})
        await eventually(lambda: bob.id in alice.node.control.connected)
        wire.cut(alice.endpoint, bob.endpoint)
        await eventually(lambda: bob.id not in alice.node.control.connected)
        wire.mend(alice.endpoint, bob.endpoint)
        await eventually(lambda: bob.id in alice.node.control.connected)
        # It was not restarted: what packets need is still good.
        assert alice.topology.resets == []


async def test_new_packet_addresses_reach_the_data_plane(
    wire: MemoryWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golem_vpn.net.announcing.CHECK_SECONDS", 0.01)
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice", join=hub)
        bob = await nodes.start("bob", join=hub)
        alice.node.peers.want({bob.id})
        await eventually(lambda: bob.id in alice.topology.peers)
        bob.topology.addresses.append("127.0.0.1:9999")
        await eventually(lambda: "127.0.0.1:9999" in alice.topology.peers[bob.id])
        assert alice.topology.resets == []
