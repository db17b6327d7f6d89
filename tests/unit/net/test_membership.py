from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from golem_vpn.errors import Conflict, Forbidden, Gone, InvalidInput, PeerRefused
from golem_vpn.net.document import MemberEntry, NetworkDocument, SignedDocument, sign_document
from golem_vpn.net.memory import MemoryWire
from golem_vpn.net.messages import AmendNetwork, Confirmed, Fetched, FetchNetwork, UpdateNetwork
from tests.unit.net.kit import Cluster, Station, cluster, eventually, eventually_is, make_node, running

pytestmark = pytest.mark.anyio

NETWORK = "a" * 32
OTHER_NETWORK = "b" * 32


@dataclass(frozen=True)
class Draft:
    id: str
    owner: str
    prefixes: tuple[str, ...]
    members: Mapping[str, tuple[str, ...]]


def draft(owner: Station, *members: Station, network_id: str = NETWORK) -> Draft:
    addresses = {member.id: (f"10.0.0.{number}",) for number, member in enumerate((owner, *members), start=1)}
    return Draft(network_id, owner.id, ("10.0.0.0/24",), addresses)


def version(station: Station, network_id: str = NETWORK) -> int | None:
    document = station.topology.networks.get(network_id)
    return document.version if document else None


async def three(nodes: Cluster) -> tuple[Station, Station, Station]:
    """Starts an owner, whose daemon is the hub too, and two others."""
    owner = await nodes.start("owner", hub=True)
    return owner, await nodes.start("alice", join=owner), await nodes.start("bob", join=owner)


async def fetched(station: Station, owner: Station) -> str:
    try:
        await station.node.membership.fetch(NETWORK, owner.id)
    except Forbidden:
        return "refused"
    return "answered"


def signed(owner: Station, **changes: object) -> SignedDocument:
    document = NetworkDocument(
        id=NETWORK,
        version=1,
        owner=owner.id,
        node=owner.id,
        prefixes=("10.0.0.0/24",),
        members=(),
        deleted=False,
        issued_at=0,
    )
    return sign_document(msgspec.structs.replace(document, **changes), owner.node.identities.default)


async def test_members_are_told_and_can_reach_each_other(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner, alice, bob = await three(nodes)
        await owner.node.membership.publish(draft(owner, alice, bob))
        assert version(owner) == 1
        await eventually(lambda: version(alice) == version(bob) == 1)
        await eventually(lambda: alice.topology.peers.keys() == {owner.id, bob.id})
        await eventually(lambda: bob.topology.peers.keys() == {owner.id, alice.id})
        await eventually(lambda: bob.id in alice.node.control.connected)
        assert alice.topology.peers[bob.id] == tuple(bob.topology.addresses)


async def test_a_draft_that_says_nothing_new_is_no_version(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner, alice, bob = await three(nodes)
        for _ in range(2):
            await owner.node.membership.publish(draft(owner, alice))
            assert version(owner) == 1
        await owner.node.membership.publish(draft(owner, alice, bob))
        assert version(owner) == 2


async def test_a_removed_member_is_told_and_cut_everywhere(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner, alice, bob = await three(nodes)
        await owner.node.membership.publish(draft(owner, alice, bob))
        await eventually(lambda: version(alice) == version(bob) == 1)
        await owner.node.membership.publish(draft(owner, alice))
        await eventually(lambda: version(bob) is None and version(alice) == version(owner) == 2)
        for station in (owner, alice):
            assert bob.id not in station.topology.networks[NETWORK].node_ids
        await eventually(lambda: owner.topology.peers.keys() == {alice.id})
        await eventually(lambda: alice.topology.peers.keys() == {owner.id})
        await eventually(lambda: bob.topology.peers == {})
        # Until the owner noted that it was told, it may still ask for what it was told.
        await eventually_is("refused", lambda: fetched(bob, owner))


async def test_a_member_that_comes_back_is_told_again(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner, alice, bob = await three(nodes)
        await owner.node.membership.publish(draft(owner, alice, bob))
        await owner.node.membership.publish(draft(owner, alice))
        await owner.node.membership.publish(draft(owner, alice, bob))
        await eventually(lambda: version(bob) == version(alice) == 3)


async def test_a_withdrawn_network_ends_for_all(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner, alice, bob = await three(nodes)
        await owner.node.membership.publish(draft(owner, alice, bob))
        await eventually(lambda: version(alice) == version(bob) == 1)
        await owner.node.membership.withdraw(NETWORK)
        await owner.node.membership.withdraw(NETWORK)
        await owner.node.membership.withdraw(OTHER_NETWORK)
        await eventually(lambda: not any(station.topology.networks for station in (owner, alice, bob)))
        await eventually(lambda: not any(station.topology.peers for station in (owner, alice, bob)))
        with pytest.raises(Gone):
            await owner.node.membership.publish(draft(owner, alice))


async def test_strangers_cannot_fetch(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner, alice, eve = await three(nodes)
        await owner.node.membership.publish(draft(owner, alice))
        for network_id in (NETWORK, OTHER_NETWORK):
            with pytest.raises(Forbidden, match="only the members"):
                await eve.node.control.request(owner.id, FetchNetwork(network_id, 0), Fetched)
        fetched = await alice.node.membership.fetch(NETWORK, owner.id)
        assert fetched.addresses_of(alice.id) == ("10.0.0.2",)
        # A member that is not the owner gives nothing away either.
        with pytest.raises(Forbidden):
            await eve.node.membership.fetch(NETWORK, alice.id)


async def test_only_a_higher_version_by_the_same_owner_is_followed(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner, alice, mallory = await three(nodes)
        await owner.node.membership.publish(draft(owner, alice))
        await owner.node.membership.publish(draft(owner))
        await owner.node.membership.publish(draft(owner, alice))
        await eventually(lambda: version(alice) == 3)
        before = alice.topology.networks[NETWORK]
        members = (MemberEntry(alice.id, ("10.0.0.9",)),)

        async def tell(sender: Station, document: SignedDocument) -> Confirmed:
            return await sender.node.control.request(alice.id, UpdateNetwork(document), Confirmed)

        assert await tell(owner, signed(owner, version=2, members=members)) == Confirmed(3)
        with pytest.raises(Conflict, match="two different"):
            await tell(owner, signed(owner, version=3, members=members))
        with pytest.raises(Conflict, match="another owner"):
            await tell(mallory, signed(mallory, version=4, members=members))
        with pytest.raises(Forbidden, match="owner's daemon"):
            await tell(mallory, signed(owner, version=4, members=members))
        forged = msgspec.structs.replace(
            signed(owner, version=4, members=members), signature=signed(mallory, version=4).signature
        )
        with pytest.raises(InvalidInput, match="not signed"):
            await tell(owner, forged)
        assert alice.topology.networks[NETWORK] == before
        assert await tell(owner, signed(owner, version=4, members=members)) == Confirmed(4)
        assert alice.topology.networks[NETWORK].addresses_of(alice.id) == ("10.0.0.9",)


async def test_an_owner_is_not_told_of_its_own_network(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner, alice, mallory = await three(nodes)
        await owner.node.membership.publish(draft(owner, alice))
        with pytest.raises(Conflict):
            await mallory.node.control.request(
                owner.id, UpdateNetwork(signed(mallory, version=9, members=())), Confirmed
            )
        with pytest.raises(Forbidden):
            await mallory.node.control.request(
                owner.id, UpdateNetwork(signed(owner, version=9, node=mallory.id)), Confirmed
            )
        assert version(owner) == 1


async def test_a_network_that_does_not_concern_a_node_is_not_remembered(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner, alice, _bob = await three(nodes)
        confirmed = await owner.node.control.request(alice.id, UpdateNetwork(signed(owner, version=5)), Confirmed)
        assert confirmed == Confirmed(5)
        assert alice.node.membership.document(NETWORK) is None


async def test_nobody_can_make_a_node_remember_without_end(
    wire: MemoryWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golem_vpn.net.membership.MAX_NETWORKS_PER_OWNER", 1)
    async with cluster(wire, tmp_path) as nodes:
        owner, alice, _bob = await three(nodes)
        members = (MemberEntry(alice.id, ("10.0.0.9",)),)
        await owner.node.control.request(alice.id, UpdateNetwork(signed(owner, members=members)), Confirmed)
        with pytest.raises(Conflict, match="already"):
            await owner.node.control.request(
                alice.id, UpdateNetwork(signed(owner, id=OTHER_NETWORK, members=members)), Confirmed
            )


async def test_only_an_own_identity_publishes(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner, alice, _bob = await three(nodes)
        with pytest.raises(Forbidden, match="no identity"):
            await owner.node.membership.publish(Draft(NETWORK, alice.id, ("10.0.0.0/24",), {}))
        await owner.node.membership.publish(draft(owner, alice))
        second = owner.node.identities.create("second")
        with pytest.raises(Conflict, match="another owner"):
            await owner.node.membership.publish(Draft(NETWORK, second.node_id, ("10.0.0.0/24",), {}))
        await eventually(lambda: version(alice) == 1)
        with pytest.raises(Forbidden):
            await alice.node.membership.withdraw(NETWORK)


async def test_an_owner_that_answers_with_something_else_is_caught(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        _owner, alice, _bob = await three(nodes)
        mallory = make_node(wire, tmp_path, "mallory")
        answers = [
            Fetched(None),
            Fetched(SignedDocument(b"garbage", b"")),
            Fetched(signed(alice, members=(MemberEntry(alice.id, ("10.0.0.9",)),), id=OTHER_NETWORK)),
        ]

        @mallory.control.on(FetchNetwork)
        async def answer(_sender: str, _message: FetchNetwork) -> Fetched:
            return answers.pop()

        alice.node.control.book.learn(mallory.control.own_record.current().signed)
        async with running(mallory):
            while answers:
                with pytest.raises(PeerRefused, match="document"):
                    await alice.node.membership.fetch(NETWORK, mallory.id)
        assert alice.topology.networks == {}


async def test_a_network_that_the_data_plane_cannot_make_is_not_stored(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner, alice, _bob = await three(nodes)

        def fail(document: NetworkDocument) -> None:
            raise ValueError("too odd")

        alice.topology.set_network = fail  # type: ignore[method-assign]
        members = (MemberEntry(alice.id, ("10.0.0.9",)),)
        with pytest.raises(InvalidInput, match="too odd"):
            await owner.node.control.request(alice.id, UpdateNetwork(signed(owner, members=members)), Confirmed)
        assert alice.node.membership.document(NETWORK) is None


async def test_watchers_hear_what_is_followed(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner, alice, _bob = await three(nodes)
        heard: list[int] = []
        alice.node.membership.watch(lambda document: heard.append(document.version))
        await owner.node.membership.publish(draft(owner, alice))
        await eventually(lambda: heard == [1])
        await owner.node.membership.publish(draft(owner))
        await eventually(lambda: heard == [1, 2])


async def test_an_amendment_is_followed_only_from_its_owner_and_on_the_version_that_it_amends(
    wire: MemoryWire, tmp_path: Path
) -> None:
    async with cluster(wire, tmp_path) as nodes:
        owner, alice, bob = await three(nodes)
        await owner.node.membership.publish(draft(owner, alice, bob))
        await eventually(lambda: version(alice) == 1)

        async def amend(sender: Station, since: int) -> int:
            message = AmendNetwork(NETWORK, since, 9, (), (), (), True, 0, bytes(65))
            return (await sender.node.control.request(alice.id, message, Confirmed)).version

        assert await amend(bob, 1) == 0
        assert await amend(owner, 2) == 1
        with pytest.raises(InvalidInput, match="not signed"):
            await amend(owner, 1)
        assert version(alice) == 1
