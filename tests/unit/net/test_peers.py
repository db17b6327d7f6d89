import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from golem_vpn.net.memory import MemoryWire
from golem_vpn.net.record import Candidate
from tests.unit.net.kit import Cluster, Station, cluster, eventually

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


async def three(nodes: Cluster) -> tuple[Station, Station, Station]:
    """Starts nodes of which each wants the others, and follows none of them unless asked to."""
    hub = await nodes.start("hub", hub=True)
    alice, bob, carol = [await nodes.start(name, join=hub) for name in ("alice", "bob", "carol")]
    for station in (alice, bob, carol):
        station.node.peers.want({alice.id, bob.id, carol.id} - {station.id})
    return alice, bob, carol


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes two nodes more than a few."""
    monkeypatch.setattr("golem_vpn.net.peers.FEW", 1)


@pytest.mark.usefixtures("many")
async def test_of_many_nodes_the_steady_ones_alone_are_followed(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        alice, bob, carol = await three(nodes)
        alice.node.peers.want({bob.id, carol.id}, {bob.id, NOBODY})
        await eventually(lambda: bob.id in alice.node.control.connected)
        assert set(alice.node.peers.followed) == {bob.id}
        assert set(alice.node.peers.wanted) == {bob.id, carol.id}
        assert carol.id not in alice.topology.peers


@pytest.mark.usefixtures("many")
async def test_a_node_that_packets_wait_for_is_followed_and_learns_of_who_asks(
    wire: MemoryWire, tmp_path: Path
) -> None:
    async with cluster(wire, tmp_path) as nodes:
        alice, bob, carol = await three(nodes)
        alice.topology.wants.put_nowait(NOBODY)
        alice.topology.wants.put_nowait(carol.id)
        await eventually(lambda: carol.id in alice.topology.peers and alice.id in carol.topology.peers)
        assert set(alice.node.peers.followed) == {carol.id}
        assert not carol.node.peers.followed
        assert not bob.topology.peers


@pytest.mark.usefixtures("many")
async def test_packets_are_pointed_to_a_node_only_when_it_heard_a_hello(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        alice, _bob, carol = await three(nodes)
        knew_the_other: list[bool] = []
        points = alice.topology.set_peer

        def note(
            node_id: str, candidates: Sequence[Candidate], relays: Sequence[str], carrier_id: bytes | None
        ) -> None:
            knew_the_other.append(alice.id in carol.topology.peers)
            points(node_id, candidates, relays, carrier_id)

        alice.topology.set_peer = note  # type: ignore[method-assign]
        alice.topology.wants.put_nowait(carol.id)
        await eventually(lambda: carol.id in alice.topology.peers)
        assert knew_the_other == [True]


@pytest.mark.usefixtures("many")
async def test_a_node_that_moved_is_found_when_packets_wait_for_it(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        alice, _bob, carol = await three(nodes)
        carol.node.control.book.learn(alice.node.control.own_record.current().signed)
        assert alice.id in carol.topology.peers
        await nodes.kill(alice)
        alice = await nodes.start("alice")
        carol.topology.wants.put_nowait(alice.id)
        await eventually(lambda: carol.topology.peers[alice.id] == tuple(alice.topology.addresses))
        assert carol.topology.resets == [alice.id]


@pytest.mark.usefixtures("many")
async def test_whom_packets_waited_for_longest_ago_gives_way(
    wire: MemoryWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golem_vpn.net.peers.MAX_SOUGHT", 1)
    async with cluster(wire, tmp_path) as nodes:
        alice, bob, carol = await three(nodes)
        alice.topology.wants.put_nowait(bob.id)
        await eventually(lambda: bob.id in alice.topology.peers)
        alice.topology.wants.put_nowait(carol.id)
        await eventually(lambda: carol.id in alice.topology.peers)
        assert set(alice.node.peers.followed) == {carol.id}
        # What was learnt of it stays good.
        assert bob.id in alice.topology.peers


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on has connections be idle that were not used just now."""
    monkeypatch.setattr("golem_vpn.net.peers.IDLE_CHECK_SECONDS", 0.01)
    return lambda: monkeypatch.setattr("golem_vpn.net.peers.IDLE_SECONDS", 0.05)


@pytest.mark.usefixtures("many")
async def test_who_sought_a_node_ends_the_connection_when_it_is_idle(
    wire: MemoryWire, tmp_path: Path, impatient: Callable[[], None]
) -> None:
    impatient()
    async with cluster(wire, tmp_path) as nodes:
        alice, bob, carol = await three(nodes)
        alice.node.peers.want({bob.id, carol.id}, {bob.id})
        for _ in range(2):
            alice.topology.wants.put_nowait(carol.id)
            await eventually(lambda: carol.id in alice.node.control.connected)
            await eventually(lambda: alice.id in carol.node.control.connected)
            await eventually(lambda: carol.id not in alice.node.control.connected)
            await eventually(lambda: alice.id not in carol.node.control.connected)
            assert set(alice.node.peers.followed) == {bob.id}
            # The data plane makes the next session by itself.
            assert carol.id in alice.topology.peers
        assert bob.id in alice.node.control.connected


@pytest.mark.usefixtures("many")
async def test_a_connection_that_is_used_or_needed_anyway_stays(
    wire: MemoryWire, tmp_path: Path, impatient: Callable[[], None]
) -> None:
    async with cluster(wire, tmp_path) as nodes:
        alice, bob, carol = await three(nodes)
        hub, connected = alice.node.directory.hubs[0], alice.node.control.connected
        alice.node.peers.want({bob.id, carol.id, hub})
        for node_id in (hub, carol.id, bob.id):
            alice.topology.wants.put_nowait(node_id)
        await eventually(lambda: {hub, carol.id, bob.id} <= set(connected))
        alice.endpoint.used[carol.endpoint.endpoint_id] = math.inf
        impatient()
        await eventually(lambda: bob.id not in connected)
        assert {hub, carol.id} == set(connected)


@pytest.mark.usefixtures("many")
async def test_all_are_followed_again_when_few_are_left(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        alice, bob, carol = await three(nodes)
        alice.node.peers.want({carol.id})
        await eventually(lambda: carol.id in alice.node.control.connected)
        assert bob.id not in alice.node.control.connected
