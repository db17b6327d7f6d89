from typing import TYPE_CHECKING

import anyio
import pytest

from golem_vpn.errors import Conflict, Forbidden, InvalidInput, NotFound
from golem_vpn.store.database import Database
from golem_vpn.store.networks import NetworkRepository
from golem_vpn.vpn.model import Connection, NetworkInfo, NetworkNode
from golem_vpn.vpn.networks import NetworkService, parse_node_id
from golem_vpn.vpn.ports import NetworkDraft

if TYPE_CHECKING:
    from tests.unit.vpn.conftest import RecordedPublisher, RecordedStacks

pytestmark = pytest.mark.anyio

OWNER = "0x" + "1" * 40
STRANGER = "0x" + "9" * 40
A = "0x" + "a" * 40
B = "0x" + "b" * 40


async def restarted(database: Database, publisher: "RecordedPublisher", stacks: "RecordedStacks") -> NetworkService:
    service = NetworkService(NetworkRepository(database), publisher, stacks, node_id=OWNER, own_ids={OWNER})
    await service.start()
    return service


async def test_a_new_network_is_shown_listed_and_published(
    networks: NetworkService, publisher: "RecordedPublisher"
) -> None:
    made = await networks.create(OWNER, "10.0.0.0", "255.255.255.0")
    assert made == NetworkInfo(made.id, "10.0.0.0/24", "255.255.255.0", "10.0.0.1")
    assert len(made.id) == 32
    assert await networks.show(OWNER, made.id) == made
    assert await networks.list(OWNER) == (made,)
    assert await networks.addresses(OWNER, made.id) == ("10.0.0.1/24",)
    assert publisher.published[made.id].members == {OWNER: ("10.0.0.1",)}


async def test_a_bad_range_makes_nothing(networks: NetworkService) -> None:
    with pytest.raises(InvalidInput):
        await networks.create(OWNER, "10.0.0.0/40")
    assert await networks.list(OWNER) == ()


async def test_lists_are_sorted_and_separate(networks: NetworkService) -> None:
    mine = [await networks.create(OWNER, "10.0.0.0/24") for _ in range(5)]
    await networks.create(STRANGER, "10.0.0.0/24")
    assert list(await networks.list(OWNER)) == sorted(mine, key=lambda network: network.id)


async def test_strangers_learn_nothing(networks: NetworkService) -> None:
    made = await networks.create(OWNER, "10.0.0.0/24")
    with pytest.raises(NotFound, match="Network not found"):
        await networks.show(STRANGER, made.id)
    await networks.create(STRANGER, "10.0.0.0/24")
    for network_id in (made.id, "0" * 32):
        with pytest.raises(Forbidden):
            await networks.show(STRANGER, network_id)
        with pytest.raises(Forbidden):
            await networks.add_node(STRANGER, network_id, A, "10.0.0.2")
        with pytest.raises(Forbidden):
            await networks.remove(STRANGER, network_id)
        with pytest.raises(Forbidden):
            await networks.connect(STRANGER, network_id, "10.0.0.2", 80)
        with pytest.raises(Forbidden):
            await networks.open_raw(STRANGER, network_id, "10.0.0.1", "10.0.0.2")


async def test_a_second_removal_is_404_then(networks: NetworkService, publisher: "RecordedPublisher") -> None:
    made = await networks.create(OWNER, "10.0.0.0/24")
    await networks.remove(OWNER, made.id)
    assert publisher.withdrawn == [made.id]
    with pytest.raises(NotFound):
        await networks.remove(OWNER, made.id)


async def test_nodes_come_and_go(networks: NetworkService, publisher: "RecordedPublisher") -> None:
    made = await networks.create(OWNER, "10.0.0.0/24")
    await networks.add_node(OWNER, made.id, A.upper().replace("0X", "0x"), "10.0.0.2")
    await networks.add_node(OWNER, made.id, A, "10.0.0.3")
    await networks.add_node(OWNER, made.id, A, "10.0.0.3")
    await networks.add_node(OWNER, made.id, B, "10.0.0.4")
    assert await networks.nodes(OWNER, made.id) == (
        NetworkNode(A, "10.0.0.2"),
        NetworkNode(A, "10.0.0.3"),
        NetworkNode(B, "10.0.0.4"),
    )
    assert publisher.published[made.id].members == {
        OWNER: ("10.0.0.1",),
        A: ("10.0.0.2", "10.0.0.3"),
        B: ("10.0.0.4",),
    }
    await networks.remove_node(OWNER, made.id, A)
    await networks.remove_node(OWNER, made.id, A)
    assert await networks.nodes(OWNER, made.id) == (NetworkNode(B, "10.0.0.4"),)
    assert publisher.published[made.id].members == {OWNER: ("10.0.0.1",), B: ("10.0.0.4",)}


async def test_bad_nodes_change_nothing(networks: NetworkService, publisher: "RecordedPublisher") -> None:
    made = await networks.create(OWNER, "10.0.0.0/24")
    await networks.add_node(OWNER, made.id, A, "10.0.0.2")
    before = publisher.published[made.id]
    for node_id, ip in (("", "10.0.0.3"), ("0x12", "10.0.0.3"), (A, "10.0.1.3"), (A, "127.0.0.1"), (A, "x")):
        with pytest.raises(InvalidInput):
            await networks.add_node(OWNER, made.id, node_id, ip)
    with pytest.raises(Conflict):
        await networks.add_node(OWNER, made.id, B, "10.0.0.2")
    assert await networks.nodes(OWNER, made.id) == (NetworkNode(A, "10.0.0.2"),)
    assert publisher.published[made.id] == before


async def test_of_two_at_once_one_gets_the_address(networks: NetworkService) -> None:
    made = await networks.create(OWNER, "10.0.0.0/24")
    refused = []

    async def add(node_id: str) -> None:
        try:
            await networks.add_node(OWNER, made.id, node_id, "10.0.0.2")
        except Conflict:
            refused.append(node_id)

    async with anyio.create_task_group() as tasks:
        for node_id in (A, B):
            tasks.start_soon(add, node_id)
    assert len(refused) == len(await networks.nodes(OWNER, made.id)) == 1


async def test_connections_come_from_the_assigned_address(networks: NetworkService, stacks: "RecordedStacks") -> None:
    made = await networks.create(OWNER, "10.0.0.0/24")
    assert await networks.connections(OWNER, made.id) == ()
    await networks.connect(OWNER, made.id, "10.0.0.2", 80)
    await networks.add_address(OWNER, made.id, "10.0.0.50")
    await networks.add_address(OWNER, made.id, "10.0.0.50")
    [stack] = stacks.opened
    assert stack.network_id == made.id
    assert stack.addresses == ["10.0.0.50/24", "10.0.0.1/24"]
    assert await networks.addresses(OWNER, made.id) == ("10.0.0.1/24", "10.0.0.50/24")
    assert await networks.connections(OWNER, made.id) == (Connection(6, "10.0.0.50", 40_000, "10.0.0.2", 80),)
    await networks.remove(OWNER, made.id)
    assert stack.closed


async def test_the_stack_makes_room_for_a_node(networks: NetworkService, stacks: "RecordedStacks") -> None:
    made = await networks.create(OWNER, "10.0.0.0/30")
    await networks.connect(OWNER, made.id, "10.0.0.2", 80)
    await networks.add_node(OWNER, made.id, A, "10.0.0.1")
    assert stacks.opened[0].addresses == ["10.0.0.2/30"]
    await networks.add_node(OWNER, made.id, B, "10.0.0.2")
    assert stacks.opened[0].addresses == []
    with pytest.raises(Conflict, match="none is left"):
        await networks.connect(OWNER, made.id, "10.0.0.2", 80)


@pytest.mark.parametrize(("ip", "port"), [("10.0.0.2", 0), ("10.0.0.2", 65_536), ("8.8.8.8", 80), ("fd00::1", 80)])
async def test_impossible_destinations_are_refused(networks: NetworkService, ip: str, port: int) -> None:
    made = await networks.create(OWNER, "10.0.0.0/24")
    with pytest.raises(InvalidInput):
        await networks.connect(OWNER, made.id, ip, port)


@pytest.mark.parametrize(
    ("source", "destination"),
    [("10.0.0.1", "10.0.0.2"), ("10.0.0.50", "10.0.0.2"), ("10.0.0.1", "10.0.0.50")],
)
async def test_frames_go_between_an_own_address_and_a_members(
    networks: NetworkService, stacks: "RecordedStacks", source: str, destination: str
) -> None:
    made = await networks.create(OWNER, "10.0.0.0/24")
    await networks.add_address(OWNER, made.id, "10.0.0.50")
    await networks.add_node(OWNER, made.id, A, "10.0.0.2")
    await networks.open_raw(OWNER, made.id, source, destination)
    assert stacks.opened[0].raw == [(source, destination)]


async def test_addresses_of_frames_are_read_by_value(networks: NetworkService, stacks: "RecordedStacks") -> None:
    made = await networks.create(OWNER, "fd00::/64")
    await networks.add_node(OWNER, made.id, A, "fd00::2")
    await networks.open_raw(OWNER, made.id, "FD00:0::1", "fd00:0:0::0002")
    assert stacks.opened[0].raw == [("fd00::1", "fd00::2")]


@pytest.mark.parametrize(
    ("source", "destination", "message"),
    [
        ("10.0.0.9", "10.0.0.2", "source address 10.0.0.9 is not yours: add it"),
        ("10.0.0.2", "10.0.0.1", "source address 10.0.0.2 is not yours"),
        ("10.0.0.1", "10.0.0.9", "Connection error: destination address not found"),
        ("10.0.0.1", "8.8.8.8", "Connection error: destination address not found"),
        ("10.0.0.1", "10.0.0.1", "the same address"),
        ("rubbish", "10.0.0.2", "invalid IP address syntax"),
        ("10.0.0.1", "", "invalid IP address syntax"),
    ],
)
async def test_frames_between_other_addresses_are_refused(
    networks: NetworkService, stacks: "RecordedStacks", source: str, destination: str, message: str
) -> None:
    made = await networks.create(OWNER, "10.0.0.0/24")
    await networks.add_node(OWNER, made.id, A, "10.0.0.2")
    with pytest.raises(InvalidInput, match=message):
        await networks.open_raw(OWNER, made.id, source, destination)
    assert stacks.opened == []


async def test_all_outlives_a_restart(
    networks: NetworkService, database: Database, publisher: "RecordedPublisher", stacks: "RecordedStacks"
) -> None:
    made = await networks.create(OWNER, "10.0.0.5/24", None, "10.0.0.254")
    await networks.add_address(OWNER, made.id, "10.0.0.9")
    await networks.add_node(OWNER, made.id, A, "10.0.0.2")
    published = publisher.published.pop(made.id)
    again = await restarted(database, publisher, stacks)
    assert await again.list(OWNER) == (made,)
    assert await again.addresses(OWNER, made.id) == ("10.0.0.1/24", "10.0.0.9/24")
    assert await again.nodes(OWNER, made.id) == (NetworkNode(A, "10.0.0.2"),)
    assert publisher.published[made.id] == published


async def test_a_restart_tells_what_a_crash_left_untold(
    networks: NetworkService, database: Database, publisher: "RecordedPublisher", stacks: "RecordedStacks"
) -> None:
    kept, removed = [await networks.create(OWNER, "10.0.0.0/24") for _ in range(2)]
    publisher.broken = True
    with pytest.raises(ConnectionResetError):
        await networks.add_node(OWNER, kept.id, A, "10.0.0.2")
    with pytest.raises(ConnectionResetError):
        await networks.remove(OWNER, removed.id)
    publisher.broken = False
    again = await restarted(database, publisher, stacks)
    assert await again.list(OWNER) == (kept,)
    assert publisher.published[kept.id].members[A] == ("10.0.0.2",)
    assert publisher.withdrawn == [removed.id]
    assert [network.id for network in await NetworkRepository(database).all()] == [kept.id]


async def test_a_network_that_cannot_be_published_does_not_keep_the_daemon_from_starting(
    networks: NetworkService,
    database: Database,
    publisher: "RecordedPublisher",
    stacks: "RecordedStacks",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = [await networks.create(OWNER, "10.0.0.0/24") for _ in range(2)]
    publisher.published.clear()

    async def publish(draft: NetworkDraft) -> None:
        if draft.id == first.id:
            raise Forbidden("no identity of this daemon")
        publisher.published[draft.id] = draft

    monkeypatch.setattr(publisher, "publish", publish)
    again = await restarted(database, publisher, stacks)
    assert {network.id for network in await again.list(OWNER)} == {first.id, second.id}
    assert set(publisher.published) == {second.id}


async def test_closing_ends_the_stacks_and_keeps_the_networks(
    networks: NetworkService, database: Database, publisher: "RecordedPublisher", stacks: "RecordedStacks"
) -> None:
    made = await networks.create(OWNER, "10.0.0.0/24")
    await networks.connect(OWNER, made.id, "10.0.0.2", 80)
    networks.close()
    assert stacks.opened[0].closed
    assert await (await restarted(database, publisher, stacks)).show(OWNER, made.id) == made


async def test_node_ids_are_read_in_any_case() -> None:
    assert parse_node_id("0x" + "Ab" * 20) == "0x" + "ab" * 20
    for text in ("", "0x", "ab" * 20, "0x" + "ab" * 21, "0x" + "g" * 40, "0x" + "ab" * 20 + "\n"):
        with pytest.raises(InvalidInput):
            parse_node_id(text)
