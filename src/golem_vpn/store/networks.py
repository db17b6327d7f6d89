"""Networks in the database."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from golem_vpn.store.database import Database
from golem_vpn.store.tables.base import Base
from golem_vpn.store.tables.networks import NetworkAddressRow, NetworkNodeRow, NetworkRow


class StoredNode(msgspec.Struct, frozen=True):
    """One address of one node."""

    node_id: str
    ip: str


class StoredNetwork(msgspec.Struct, frozen=True):
    """A network with all that belongs to it."""

    id: str
    owner: str
    ip: str
    """The network's prefix with the host bits as given."""
    gateway: str
    created: datetime
    addresses: tuple[str, ...] = ()
    """What the owner took for itself, in the order of asking."""
    nodes: tuple[StoredNode, ...] = ()
    removed: bool = False


class NetworkRepository:
    """Keeps the networks that this node owns.

    What is added or removed does not wait for the disk: the document that is published next does.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, network: StoredNetwork) -> None:
        """Stores a new network."""
        columns = ("id", "owner", "ip", "gateway", "created")
        await self._insert(NetworkRow, {column: getattr(network, column) for column in columns})

    async def all(self) -> list[StoredNetwork]:
        """Lists the networks by id, with those whose removal is not told yet."""
        async with self._database.reading() as session:
            rows = (await session.scalars(select(NetworkRow).order_by(NetworkRow.id))).all()
            return [await _stored(session, row) for row in rows]

    async def add_address(self, network_id: str, ip: str) -> None:
        """Stores an address of the owner."""
        await self._insert(NetworkAddressRow, {"network_id": network_id, "ip": ip})

    async def add_node(self, network_id: str, node: StoredNode) -> None:
        """Stores an address of a node."""
        await self._insert(NetworkNodeRow, {"network_id": network_id, "node_id": node.node_id, "ip": node.ip})

    async def remove_node(self, network_id: str, node_id: str) -> None:
        """Forgets all addresses of a node."""
        of_node = NetworkNodeRow.network_id == network_id, NetworkNodeRow.node_id == node_id
        await self._database.execute(delete(NetworkNodeRow).where(*of_node), to_disk=False)

    async def mark_removed(self, network_id: str) -> None:
        """Notes that the network is gone, and its members are to be told."""
        await self._database.execute(update(NetworkRow).where(NetworkRow.id == network_id).values(removed=True))

    async def forget(self, network_id: str) -> None:
        """Drops a network and all that belongs to it."""
        await self._database.execute(delete(NetworkRow).where(NetworkRow.id == network_id))

    async def _insert(self, table: type[Base], values: dict[str, Any]) -> None:
        await self._database.execute(insert(table).values(values), to_disk=False)


async def _stored(session: AsyncSession, row: NetworkRow) -> StoredNetwork:
    addresses = await session.scalars(
        select(NetworkAddressRow.ip).where(NetworkAddressRow.network_id == row.id).order_by(NetworkAddressRow.position)
    )
    nodes = await session.scalars(
        select(NetworkNodeRow).where(NetworkNodeRow.network_id == row.id).order_by(NetworkNodeRow.position)
    )
    return StoredNetwork(
        id=row.id,
        owner=row.owner,
        ip=row.ip,
        gateway=row.gateway,
        created=row.created,
        addresses=tuple(addresses),
        nodes=tuple(StoredNode(node.node_id, node.ip) for node in nodes),
        removed=row.removed,
    )
