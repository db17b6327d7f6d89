"""Nothing is missed when messages get lost and nodes die."""

from pathlib import Path

import pytest

from golem_vpn.net.memory import MemoryWire
from golem_vpn.net.wire import decode_hello
from tests.unit.net.kit import Cluster, Station, cluster, eventually
from tests.unit.net.test_membership import draft, three, version

pytestmark = pytest.mark.anyio


async def start_again(nodes: Cluster, station: Station, name: str, *, hub: bool = False) -> Station:
    addresses = station.endpoint.addresses
    started = await nodes.start(name, hub=hub)
    started.endpoint.addresses = addresses
    return started


async def test_a_lost_message_is_made_up_for(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner, alice, _bob = await three(nodes)
        lost: list[bytes] = []

        def lose(message: bytes) -> bool:
            if b"update-network" in message and len(lost) < 2:
                lost.append(message)
                return True
            return False

        owner.endpoint.lose = lose
        await owner.node.membership.publish(draft(owner, alice))
        await eventually(lambda: version(alice) == 1)
        assert len(lost) == 2


async def test_a_member_that_was_away_asks_when_its_owner_is_back(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner, alice, bob = await three(nodes)
        await owner.node.membership.publish(draft(owner, alice))
        await eventually(lambda: version(alice) == 1)
        # The owner's own telling gets lost for good: only asking can help.
        owner.endpoint.lose = lambda message: decode_hello(message) is None
        wire.cut(owner.endpoint, alice.endpoint)
        await owner.node.membership.publish(draft(owner, alice, bob))
        wire.mend(owner.endpoint, alice.endpoint)
        await eventually(lambda: version(alice) == 2)


async def test_members_go_on_without_the_owner_and_after_a_restart(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner, alice, bob = await three(nodes)
        await owner.node.membership.publish(draft(owner, alice, bob))
        await eventually(lambda: bob.id in alice.topology.peers and alice.id in bob.topology.peers)
        await nodes.kill(owner)
        await nodes.kill(alice)
        alice = await start_again(nodes, alice, "alice")
        # Neither owner nor hub is there; what alice knew is enough to be found by bob as well.
        assert version(alice) == 1
        await eventually(lambda: alice.id in bob.topology.resets)
        await eventually(lambda: bob.id in alice.node.control.connected)
        assert alice.topology.peers[bob.id] == tuple(bob.topology.addresses)


async def test_an_owner_that_was_killed_tells_what_it_had_stored(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner, alice, bob = await three(nodes)
        await owner.node.membership.publish(draft(owner, alice, bob))
        await eventually(lambda: version(alice) == version(bob) == 1)
        owner.endpoint.lose = lambda _message: True
        await owner.node.membership.publish(draft(owner, alice))
        await nodes.kill(owner)
        assert version(bob) == 1
        owner = await start_again(nodes, owner, "owner", hub=True)
        assert version(owner) == 2
        await eventually(lambda: version(bob) is None and version(alice) == 2)


async def test_a_restarted_member_is_found_at_its_new_place(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner, alice, bob = await three(nodes)
        await owner.node.membership.publish(draft(owner, alice, bob))
        await eventually(lambda: bob.id in alice.topology.peers)
        await nodes.kill(bob)
        bob = await nodes.start("bob")
        place = tuple(bob.endpoint.addresses)
        await eventually(lambda: alice.topology.peers[bob.id] == owner.topology.peers[bob.id] == place)
        assert bob.id in alice.topology.resets
