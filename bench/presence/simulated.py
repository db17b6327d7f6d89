"""A node with the real protocol, which carries no packets: identity, database, endpoint and all of `golem_vpn.net`."""

import shutil
from pathlib import Path

from golem_vpn.net.identity import Identities, endpoint_secret
from golem_vpn.net.memory_topology import MemoryTopology
from golem_vpn.net.native_endpoint import NativeEndpoint
from golem_vpn.net.node import Node, Profile
from golem_vpn.net.ticket import Ticket
from golem_vpn.store.database import Database

LISTEN = "127.0.0.1:0"


class SimulatedNode:
    """One of many in a process; its topology only remembers what it was told."""

    def __init__(self, node: Node, endpoint: NativeEndpoint, database: Database) -> None:
        self.node = node
        self._endpoint = endpoint
        self._database = database

    @classmethod
    async def open(cls, folder: Path, name: str, template: Path, ticket: Ticket) -> "SimulatedNode":
        """Makes a node that joins by a ticket as soon as it runs; its database begins as a copy of the template."""
        home = folder / name
        home.mkdir(mode=0o700, parents=True)
        shutil.copyfile(template, home / "golem-vpn.db")
        database = Database(home / "golem-vpn.db")
        await database.open()
        endpoint = await NativeEndpoint.bind(endpoint_secret(home / "endpoint.key"), LISTEN)
        topology = MemoryTopology()
        identities = Identities(home / "identities")
        profile = Profile(name, ("provider",), hub=False)
        node = await Node.open(profile, identities, endpoint, topology, database, [ticket])
        return cls(node, endpoint, database)

    @property
    def id(self) -> str:
        """Its node id."""
        return self.node.control.node_id

    async def close(self) -> None:
        """Says farewell to all others."""
        await self._endpoint.close()
        await self._database.close()


async def make_template(file: Path) -> None:
    """Makes an empty database, so that a thousand nodes need not migrate theirs."""
    database = Database(file)
    await database.open()
    await database.close()
