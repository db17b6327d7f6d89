from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from golem_vpn.store.database import Database
from golem_vpn.store.networks import NetworkRepository, StoredNetwork, StoredNode

pytestmark = pytest.mark.anyio

NETWORK = StoredNetwork(
    id="a" * 32,
    owner="0x" + "1" * 40,
    ip="10.0.0.5/24",
    gateway="10.0.0.1",
    created=datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
)
NODE = StoredNode("0x" + "2" * 40, "10.0.0.2")
SAME_NODE = StoredNode(NODE.node_id, "10.0.0.3")
OTHER_NODE = StoredNode("0x" + "3" * 40, "10.0.0.4")


async def test_networks_outlive_the_process(database: Database, database_path: Path) -> None:
    networks = NetworkRepository(database)
    await networks.add(NETWORK)
    await networks.add_address(NETWORK.id, "10.0.0.9")
    await networks.add_address(NETWORK.id, "10.0.0.8")
    await networks.add_node(NETWORK.id, NODE)
    await networks.add_node(NETWORK.id, SAME_NODE)
    await database.close()
    reopened = Database(database_path)
    await reopened.open()
    assert await NetworkRepository(reopened).all() == [
        msgspec.structs.replace(NETWORK, addresses=("10.0.0.9", "10.0.0.8"), nodes=(NODE, SAME_NODE))
    ]
    await reopened.close()


async def test_a_node_leaves_with_all_its_addresses(database: Database) -> None:
    networks = NetworkRepository(database)
    await networks.add(NETWORK)
    for node in (NODE, OTHER_NODE, SAME_NODE):
        await networks.add_node(NETWORK.id, node)
    await networks.remove_node(NETWORK.id, NODE.node_id)
    assert [network.nodes for network in await networks.all()] == [(OTHER_NODE,)]


async def test_a_removed_network_is_remembered_until_forgotten(database: Database) -> None:
    networks = NetworkRepository(database)
    await networks.add(NETWORK)
    await networks.add_node(NETWORK.id, NODE)
    await networks.mark_removed(NETWORK.id)
    assert [network.removed for network in await networks.all()] == [True]
    await networks.forget(NETWORK.id)
    assert await networks.all() == []
    await networks.add(NETWORK)
    assert [network.nodes for network in await networks.all()] == [()]
