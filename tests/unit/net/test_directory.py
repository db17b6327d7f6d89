from pathlib import Path
from typing import Any

import anyio
import pytest

from golem_vpn.errors import Forbidden, InvalidInput, PeerUnreachable
from golem_vpn.net.control import Control
from golem_vpn.net.memory import MemoryWire
from golem_vpn.net.messages import Attach, Join, ListNodes, LookUp, NodeEntry, RecordsChanged
from golem_vpn.net.node_lists import NEVER
from golem_vpn.net.record import SignedRecord
from golem_vpn.net.ticket import Ticket
from golem_vpn.net.wire import Message
from golem_vpn.store.hubs import JoinedHubRepository, StoredHub
from tests.unit.net.kit import Station, cluster, eventually, eventually_is

pytestmark = pytest.mark.anyio


async def names(station: Station) -> dict[str, bool]:
    return {entry.name: entry.online for entry in await station.node.directory.nodes()}


async def test_members_find_each_other(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice", join=hub)
        bob = await nodes.start("bob", join=hub)
        for station in (hub, alice, bob):
            assert await names(station) == {"hub": True, "alice": True, "bob": True}
        known = await alice.node.directory.look_up(bob.id)
        assert known is not None
        assert known.record.endpoint_id == bob.endpoint.endpoint_id
        assert (await alice.node.control.connect(bob.id)).node_id == bob.id


async def test_a_hub_is_asked_as_soon_as_it_let_this_node_in(
    wire: MemoryWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, put = anyio.Event(), JoinedHubRepository.put

    async def put_slowly(self: JoinedHubRepository, hub: StoredHub) -> None:
        await stored.wait()
        await put(self, hub)

    monkeypatch.setattr(JoinedHubRepository, "put", put_slowly)
    async with cluster(wire, tmp_path) as nodes, anyio.create_task_group() as tasks:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice")
        tasks.start_soon(alice.node.directory.join, await hub.node.directory.ticket())
        await eventually(lambda: alice.id in hub.node.directory.own_hub().members)
        await eventually(lambda: hub.id in alice.node.directory.hubs)
        assert await names(alice) == {"hub": True, "alice": True}
        stored.set()


async def test_a_hub_that_broke_off_after_it_let_this_node_in_is_stored_all_the_same(
    wire: MemoryWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, broken = Control.request, list[str]()

    async def request_over_a_bad_line(self: Control, node_id: str, message: Message, *rest: Any, **more: Any) -> Any:
        if isinstance(message, Attach) and not broken:
            broken.append(node_id)
            raise PeerUnreachable("the line is cut")
        return await request(self, node_id, message, *rest, **more)

    monkeypatch.setattr(Control, "request", request_over_a_bad_line)
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice", tickets=[Ticket.parse(await hub.node.directory.ticket())])
        nothing_to_show: list[bytes | None] = [None]
        await eventually_is(nothing_to_show, lambda: _tokens(alice.node.directory._repository))
        assert broken == [hub.id]


async def _tokens(repository: JoinedHubRepository) -> list[bytes | None]:
    return [stored.token for stored in await repository.all()]


async def test_strangers_are_told_nothing(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice", join=hub)
        eve = await nodes.start("eve")
        eve.node.control.book.learn(hub.node.control.own_record.current().signed)
        with pytest.raises(Forbidden):
            await eve.node.control.request(hub.id, ListNodes(""), list[NodeEntry])
        with pytest.raises(Forbidden):
            await eve.node.control.request(hub.id, LookUp((alice.id,)), list[SignedRecord])
        with pytest.raises(Forbidden):
            await eve.node.control.request(hub.id, Join(b"guess" * 4), type(None))
        # Having said hello to the hub makes nobody a member of it.
        assert await names(alice) == {"hub": True, "alice": True}
        assert await alice.node.directory.look_up(eve.id) is None


async def test_presence_is_the_connection(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice", join=hub)
        bob = await nodes.start("bob", join=hub)
        await nodes.kill(bob)
        await eventually(lambda: bob.id not in hub.node.control.connected)
        before = {entry.name: entry for entry in await alice.node.directory.nodes()}
        assert not before["bob"].online
        await nodes.start("bob")
        await eventually(lambda: bob.id in hub.node.control.connected)
        after = {entry.name: entry for entry in await alice.node.directory.nodes()}
        assert after["bob"].online
        assert (after["bob"].last_seen or NEVER) >= (before["bob"].last_seen or NEVER)


async def test_members_outlive_a_restart_of_the_hub(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice", join=hub)
        bob = await nodes.start("bob", join=hub)
        await nodes.kill(hub)
        await eventually(lambda: hub.id not in alice.node.control.connected)
        address = hub.endpoint.addresses
        hub = await nodes.start("hub", hub=True)
        hub.endpoint.addresses = address
        await eventually(lambda: {alice.id, bob.id} <= set(hub.node.control.connected))
        assert await names(alice) == {"hub": True, "alice": True, "bob": True}


async def test_a_hub_that_is_away_counts_with_its_last_list(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice", join=hub)
        assert await names(alice) == {"hub": True, "alice": True}
        await nodes.kill(hub)
        assert {entry.name for entry in await alice.node.directory.nodes()} == {"hub", "alice"}


async def test_a_ticket_left_before_the_start_is_used_once_the_hub_is_there(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        ticket = Ticket.parse(await hub.node.directory.ticket())
        await nodes.kill(hub)
        alice = await nodes.start("alice", tickets=[ticket])
        with pytest.raises(PeerUnreachable):
            await alice.node.directory.join(str(ticket))
        hub = await nodes.start("hub", hub=True)
        hub.endpoint.addresses = list(ticket.addresses)
        await eventually_is({"hub": True, "alice": True}, lambda: names(alice))


async def test_a_left_ticket_that_the_hub_does_not_take_is_dropped(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        good = Ticket.parse(await hub.node.directory.ticket())
        bad = Ticket(good.hub, good.endpoint_id, good.addresses, b"x" * 16, good.expires_at)
        alice = await nodes.start("alice", tickets=[bad])
        await eventually(lambda: hub.node.control.refused.get("forbidden") == 1)
        assert await alice.node.directory.nodes() == []
        with pytest.raises(Forbidden):
            await alice.node.directory.join(str(bad))


async def test_joining_needs_another_daemon_that_is_a_hub(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        with pytest.raises(InvalidInput, match="own hub"):
            await hub.node.directory.join(await hub.node.directory.ticket())
        alice = await nodes.start("alice", join=hub)
        with pytest.raises(InvalidInput, match="--hub"):
            await alice.node.directory.ticket()
        with pytest.raises(InvalidInput, match="damaged"):
            await alice.node.directory.join((await hub.node.directory.ticket())[:-3])


async def test_who_asked_after_a_node_hears_when_it_comes_and_moves(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice", join=hub)
        bob = await nodes.start("bob")
        assert await alice.node.directory.look_up(bob.id) is None
        await bob.node.directory.join(await hub.node.directory.ticket())
        await eventually(lambda: alice.node.control.book.find(bob.id) is not None)
        await nodes.kill(bob)
        bob = await nodes.start("bob")

        def moved() -> bool:
            known = alice.node.control.book.find(bob.id)
            return known is not None and list(known.record.control_addresses) == bob.endpoint.addresses

        await eventually(moved)


async def test_only_a_hub_tells_of_others(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice", join=hub)
        bob = await nodes.start("bob", join=hub)
        with pytest.raises(Forbidden):
            await bob.node.control.request(
                alice.id, RecordsChanged((bob.node.control.own_record.current().signed,)), type(None)
            )
