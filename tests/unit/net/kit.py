"""Nodes in one process, over endpoints in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from golem_vpn.net.book import RecordBook
from golem_vpn.net.control import Control
from golem_vpn.net.identity import Identities
from golem_vpn.net.memory import MemoryEndpoint, MemoryWire
from golem_vpn.net.own_record import OwnRecord, milliseconds_now
from golem_vpn.net.record import NodeRecord


@dataclass
class Node:
    """A node that says hello and answers messages."""

    control: Control
    endpoint: MemoryEndpoint
    packet_addresses: list[str]

    @property
    def id(self) -> str:
        return self.control.node_id

    @property
    def record(self) -> NodeRecord:
        return self.control.own_record.current().record

    def knows(self, *others: "Node") -> None:
        """Makes the node know where others are, as a directory would."""
        for other in others:
            self.control.book.learn(other.control.own_record.current().signed)


def make_node(wire: MemoryWire, directory: Path, name: str, started: int = 0) -> Node:
    """Makes a node with the key that it has already, or a new one."""
    identities = Identities(directory / name)
    endpoint = wire.endpoint(name.encode().ljust(32, b"."))
    packet_addresses = ["127.0.0.1:1"]
    own_record = OwnRecord(
        identities,
        endpoint.endpoint_id,
        name=name,
        roles=("provider",),
        control_addresses=lambda: endpoint.addresses,
        packet_addresses=lambda: packet_addresses,
        issued_before=started or milliseconds_now(),
    )
    return Node(Control(endpoint, identities, own_record, RecordBook()), endpoint, packet_addresses)


@asynccontextmanager
async def running(*nodes: Node) -> AsyncIterator[None]:
    """Lets the nodes answer."""
    async with anyio.create_task_group() as tasks:
        for node in nodes:
            tasks.start_soon(node.control.run)
        yield
        tasks.cancel_scope.cancel()
