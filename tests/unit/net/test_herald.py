from pathlib import Path

import pytest

from golem_vpn.errors import Conflict, InvalidInput
from golem_vpn.net.backoff import Backoff
from golem_vpn.net.memory import MemoryWire
from golem_vpn.net.messages import AmendNetwork, Confirmed, UpdateNetwork
from golem_vpn.store.network_documents import NetworkDocumentRepository, Unconfirmed
from tests.unit.net.kit import cluster, eventually, eventually_is, make_node, running
from tests.unit.net.test_membership import NETWORK, OTHER_NETWORK, Draft, draft, version

pytestmark = pytest.mark.anyio


async def test_a_network_that_a_member_refuses_holds_up_no_other(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner = await nodes.start("owner")
        picky = make_node(wire, tmp_path, "picky")
        asked: list[str] = []

        @picky.control.on(UpdateNetwork)
        async def answer(_sender: str, message: UpdateNetwork) -> Confirmed:
            first = NETWORK.encode() in message.document.body
            asked.append("first" if first else "second")
            if first:
                raise Conflict("not this one")
            return Confirmed(1)

        owner.node.control.book.learn(picky.control.own_record.current().signed)
        async with running(picky):
            for network_id in (NETWORK, OTHER_NETWORK):
                members = {picky.id: ("10.0.0.2",)}
                await owner.node.membership.publish(Draft(network_id, owner.id, ("10.0.0.0/24",), members))
            await eventually(lambda: "second" in asked and asked.count("first") > 1)
            assert asked.count("second") == 1


async def test_a_member_that_is_behind_is_told_until_it_follows(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner = await nodes.start("owner")
        slow = make_node(wire, tmp_path, "slow")
        versions = [1, 0, 0]

        @slow.control.on(UpdateNetwork)
        async def answer(_sender: str, _message: UpdateNetwork) -> Confirmed:
            return Confirmed(versions.pop())

        owner.node.control.book.learn(slow.control.own_record.current().signed)
        async with running(slow):
            members = {slow.id: ("10.0.0.2",)}
            await owner.node.membership.publish(Draft(NETWORK, owner.id, ("10.0.0.0/24",), members))
            await eventually(lambda: not versions)


async def test_who_confirmed_a_version_is_told_what_changed_since(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner = await nodes.start("owner", hub=True)
        alice, bob = [await nodes.start(name, join=owner) for name in ("alice", "bob")]
        told: list[str] = []

        def note(message: bytes) -> bool:
            told.extend(kind for kind in ("amend-network", "update-network") if kind.encode() in message)
            return False

        owner.endpoint.lose = note
        await owner.node.membership.publish(draft(owner, alice))
        await eventually(lambda: version(alice) == 1 and not owner.node._herald.concerns(NETWORK, alice.id))
        await owner.node.membership.publish(draft(owner, alice, bob))
        await eventually(lambda: version(alice) == version(bob) == 2)
        assert sorted(told) == ["amend-network", "update-network", "update-network"]
        assert alice.topology.networks == bob.topology.networks == owner.topology.networks


async def test_who_cannot_follow_an_amendment_is_told_all(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner = await nodes.start("owner")
        odd = make_node(wire, tmp_path, "odd")
        told: list[str] = []

        @odd.control.on(AmendNetwork)
        async def amend(_sender: str, message: AmendNetwork) -> Confirmed:
            told.append(f"amended to {message.version}")
            if message.version == 2:
                raise InvalidInput("this makes no document that its owner signed")
            return Confirmed(0)

        @odd.control.on(UpdateNetwork)
        async def update(_sender: str, _message: UpdateNetwork) -> Confirmed:
            known = owner.node.membership.document(NETWORK)
            assert known is not None
            told.append(f"told {known.version}")
            return Confirmed(known.version)

        owner.node.control.book.learn(odd.control.own_record.current().signed)
        async with running(odd):
            for number in (1, 2, 3):
                members = {odd.id: (f"10.0.0.{number}",), "0x" + "1" * 40: ("10.0.0.9",)}
                await owner.node.membership.publish(Draft(NETWORK, owner.id, ("10.0.0.0/24",), members))
                await eventually(lambda number=number: told[-1:] == [f"told {number}"])  # type: ignore[misc]
                await eventually(lambda: not owner.node._herald.concerns(NETWORK, odd.id))
        assert told == ["told 1", "amended to 2", "told 2", "amended to 3", "told 3"]


async def test_confirmations_of_many_are_stored_at_once(
    wire: MemoryWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golem_vpn.net.herald.STORE_SECONDS", 0.05)
    async with cluster(wire, tmp_path) as nodes:
        owner = await nodes.start("owner", hub=True)
        members = [await nodes.start(name, join=owner) for name in ("alice", "bob", "carol")]
        stored = NetworkDocumentRepository(owner.database)
        nothing: list[Unconfirmed] = []
        await owner.node.membership.publish(draft(owner, *members))
        await eventually_is(nothing, stored.unconfirmed)
        await owner.node.membership.publish(draft(owner, *members[1:]))
        await eventually_is(nothing, stored.unconfirmed)
        # The one that was removed is not told again.
        await owner.node.membership.publish(draft(owner, members[1]))
        assert members[0].id not in {waiting.node_id for waiting in await stored.unconfirmed()}


async def test_a_member_that_comes_later_is_told_as_soon_as_the_hub_knows_where_it_is(
    wire: MemoryWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golem_vpn.net.peers.FEW", 0)
    monkeypatch.setattr("golem_vpn.net.herald.Backoff", lambda: Backoff(shortest=3600))
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        owner = await nodes.start("owner", join=hub)
        late = await nodes.start("late")
        await owner.node.membership.publish(draft(owner, late))
        await late.node.directory.join(await hub.node.directory.ticket())
        await eventually(lambda: version(late) == 1)
