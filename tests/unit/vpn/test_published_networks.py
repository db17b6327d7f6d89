"""The network service on whole nodes: what an owner asks for arrives in the data planes of the members."""

from pathlib import Path

import pytest

from golem_vpn.net.memory import MemoryWire
from golem_vpn.store.networks import NetworkRepository
from golem_vpn.vpn.attachments import Attachments
from golem_vpn.vpn.networks import NetworkService
from tests.unit.net.kit import Cluster, Station, cluster, eventually
from tests.unit.vpn.conftest import RecordedStacks

pytestmark = pytest.mark.anyio


async def service_of(station: Station) -> NetworkService:
    service = NetworkService(
        NetworkRepository(station.database),
        station.node.membership,
        RecordedStacks(),
        node_id=station.id,
        own_ids=station.node.identities,
    )
    await service.start()
    return service


async def owner_and_member(nodes: Cluster) -> tuple[Station, Station]:
    owner = await nodes.start("owner", hub=True)
    return owner, await nodes.start("member", join=owner)


def addresses(station: Station, network_id: str, node_id: str) -> tuple[str, ...]:
    document = station.topology.networks.get(network_id)
    return () if document is None else document.addresses_of(node_id)


async def test_members_come_and_go(tmp_path: Path) -> None:
    async with cluster(MemoryWire(), tmp_path) as nodes:
        owner, member = await owner_and_member(nodes)
        networks = await service_of(owner)
        made = await networks.create(owner.id, "10.0.0.5/24")
        assert addresses(owner, made.id, owner.id) == ("10.0.0.1",)
        await networks.add_node(owner.id, made.id, member.id, "10.0.0.2")
        await eventually(lambda: addresses(member, made.id, member.id) == ("10.0.0.2",))
        await networks.add_address(owner.id, made.id, "10.0.0.9")
        await eventually(lambda: addresses(member, made.id, owner.id) == ("10.0.0.9", "10.0.0.1"))
        await networks.remove_node(owner.id, made.id, member.id)
        await eventually(lambda: made.id not in member.topology.networks)
        assert addresses(owner, made.id, owner.id) == ("10.0.0.9", "10.0.0.1")


async def test_a_removed_network_ends_everywhere(tmp_path: Path) -> None:
    async with cluster(MemoryWire(), tmp_path) as nodes:
        owner, member = await owner_and_member(nodes)
        networks = await service_of(owner)
        made = await networks.create(owner.id, "fd00::/64")
        await networks.add_node(owner.id, made.id, member.id, "fd00::2")
        await eventually(lambda: made.id in member.topology.networks)
        await networks.remove(owner.id, made.id)
        assert made.id not in owner.topology.networks
        await eventually(lambda: made.id not in member.topology.networks)


async def test_a_restart_of_the_owner_changes_nothing_for_the_members(tmp_path: Path) -> None:
    async with cluster(MemoryWire(), tmp_path) as nodes:
        owner, member = await owner_and_member(nodes)
        networks = await service_of(owner)
        made = await networks.create(owner.id, "10.0.0.0/24")
        await networks.add_node(owner.id, made.id, member.id, "10.0.0.2")
        await eventually(lambda: made.id in member.topology.networks)
        before = member.topology.networks[made.id]
        await nodes.kill(owner)
        again = await nodes.start("owner", hub=True)
        networks = await service_of(again)
        assert await networks.list(again.id) == (made,)
        assert again.topology.networks[made.id] == before
        await networks.add_node(again.id, made.id, member.id, "10.0.0.3")
        assert again.topology.networks[made.id].version == before.version + 1


async def test_what_was_stored_but_not_told_is_told_at_the_next_start(tmp_path: Path) -> None:
    async with cluster(MemoryWire(), tmp_path) as nodes:
        owner, member = await owner_and_member(nodes)
        networks = await service_of(owner)
        kept, removed = [await networks.create(owner.id, "10.0.0.0/24") for _ in range(2)]
        repository = NetworkRepository(owner.database)
        await repository.add_address(kept.id, "10.0.0.7")
        await repository.mark_removed(removed.id)
        await nodes.kill(owner)
        again = await nodes.start("owner", hub=True)
        assert [network.id for network in await (await service_of(again)).list(again.id)] == [kept.id]
        assert addresses(again, kept.id, again.id) == ("10.0.0.7", "10.0.0.1")
        assert removed.id not in again.topology.networks
        assert member.id not in again.topology.networks[kept.id].node_ids


async def test_any_range_that_is_accepted_can_be_published(tmp_path: Path) -> None:
    async with cluster(MemoryWire(), tmp_path) as nodes:
        owner, member = await owner_and_member(nodes)
        networks = await service_of(owner)
        for cidr, ip in (
            ("0.0.0.0/0", "255.255.255.254"),
            ("10.0.0.0/31", "10.0.0.1"),
            ("10.0.0.0/24", "10.0.0.255"),
            ("10.0.0.1/32", "10.0.0.1"),
            ("::/0", "fd00::FFFF:0a00:0001"),
            ("fe80::/10", "fe80::1"),
            ("fd00::/127", "fd00::"),
        ):
            made = await networks.create(owner.id, cidr)
            await networks.add_node(owner.id, made.id, member.id, ip)
            await eventually(lambda: bool(addresses(member, made.id, member.id)))  # noqa: B023


async def test_members_attach_by_what_the_owner_published(tmp_path: Path) -> None:
    class Wall:
        def create(self, name: str, network_id: str, addresses: object) -> int:
            return 1

        def allow(self, interface: int, network_id: str, addresses: object) -> None: ...
        def remove(self, interface: int) -> None: ...

    async with cluster(MemoryWire(), tmp_path) as nodes:
        owner, member = await owner_and_member(nodes)
        networks = await service_of(owner)
        attachments = Attachments(member.node.membership, Wall(), member.id, lambda _network: ())
        made = await networks.create(owner.id, "10.0.0.0/24")
        await networks.add_node(owner.id, made.id, member.id, "10.0.0.2")
        await eventually(lambda: member.node.membership.document(made.id) is not None)
        assert attachments.attach(made.id, "vpn0").addresses == ("10.0.0.2/24",)
        await networks.remove_node(owner.id, made.id, member.id)
        await eventually(lambda: attachments.list() == ())
