"""Nodes in one process, over endpoints in memory."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import anyio
import msgspec
from anyio.abc import TaskGroup

from golem_vpn.net import node
from golem_vpn.net.book import RecordBook
from golem_vpn.net.control import Control
from golem_vpn.net.identity import Identities
from golem_vpn.net.memory import MemoryEndpoint, MemoryRelay, MemoryWire
from golem_vpn.net.memory_topology import MemoryTopology
from golem_vpn.net.own_record import OwnRecord, milliseconds_now
from golem_vpn.net.record import Candidate, NodeRecord
from golem_vpn.net.relay_address import relay_text
from golem_vpn.net.ticket import Ticket
from golem_vpn.net.wire import Answer, Message, Refusal, decode_reply
from golem_vpn.store.database import Database

T = TypeVar("T")


class Shout(Message, frozen=True):
    """Asks for an echo."""

    text: str


class Echo(msgspec.Struct, frozen=True):
    """Tells who shouted what."""

    sender: str
    text: str


@dataclass
class Node:
    """A node that says hello and answers messages."""

    control: Control
    endpoint: MemoryEndpoint
    packet_addresses: list[Candidate]

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
    packet_addresses = [Candidate("127.0.0.1:1", "interface")]
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


def echoing(node: Node) -> Node:
    """Has a node answer what is shouted."""
    node.control.on(Shout)(_echo)
    return node


async def _echo(sender: str, message: Shout) -> Echo:
    return Echo(sender, message.text)


async def raw(sender: Node, to: Node, message: bytes) -> Answer | Refusal:
    """Sends what may be no message at all."""
    return decode_reply(
        await sender.endpoint.request(to.endpoint.endpoint_id, to.endpoint.addresses, message, timeout=5)
    )


class Cluster:
    """Whole nodes with databases, which can be killed and started again."""

    def __init__(self, wire: MemoryWire, directory: Path, tasks: TaskGroup) -> None:
        self.wire = wire
        self._directory = directory
        self._tasks = tasks
        self._started: dict[str, Station] = {}
        self.round_trips: dict[str, float] = {}
        """How long relays take to answer, as nodes measure it."""

    async def start(
        self,
        name: str,
        *,
        hub: bool = False,
        relay: bool = False,
        hidden: bool = False,
        relayed_only: bool = False,
        join: "Station | None" = None,
        tickets: Sequence[Ticket] = (),
    ) -> "Station":
        """Starts a node, with what it knew when it was there before; a hidden one can be dialled by nobody."""
        directory = self._directory / name
        database = Database(directory / "golem-vpn.db")
        await database.open()
        server = self.wire.relay(name.encode().ljust(32, b"~")) if relay else None
        endpoint = self.wire.endpoint(name.encode().ljust(32, b"."))
        if hidden:
            endpoint.addresses = []
        station = self._started[name] = Station(
            await node.Node.open(
                node.Profile(
                    name,
                    ("provider",),
                    hub,
                    relayed_only,
                    relay_addresses=(server.address,) if server else (),
                ),
                Identities(directory / "identities"),
                endpoint,
                topology := MemoryTopology(),
                database,
                tickets,
                relay=server,
                sound=self._sound,
            ),
            endpoint,
            topology,
            database,
            anyio.CancelScope(),
            anyio.Event(),
        )
        station.node.control.on(Shout)(_echo)
        topology.addresses.extend(endpoint.addresses)
        self._tasks.start_soon(self._run, station)
        if join is not None:
            await station.node.directory.join(await join.node.directory.ticket())
        return station

    async def kill(self, station: "Station") -> None:
        """Ends a node as it is."""
        station.scope.cancel()
        await station.ended.wait()
        await station.endpoint.close()
        if station.node.own_relay is not None:
            await station.node.own_relay.server.close()
        await station.database.close()

    async def close(self) -> None:
        """Ends all nodes."""
        for station in self._started.values():
            await self.kill(station)

    async def _sound(self, relay: str) -> float | None:
        return self.round_trips.get(relay)

    @staticmethod
    async def _run(station: "Station") -> None:
        with station.scope:
            await station.node.run()
        station.ended.set()


@dataclass
class Station:
    """A whole node and what it stands on."""

    node: node.Node
    endpoint: MemoryEndpoint
    topology: MemoryTopology
    database: Database
    scope: anyio.CancelScope
    ended: anyio.Event

    @property
    def id(self) -> str:
        return self.node.control.node_id

    @property
    def record(self) -> NodeRecord:
        return self.node.control.own_record.current().record

    @property
    def relay(self) -> MemoryRelay:
        assert self.node.own_relay is not None
        assert isinstance(self.node.own_relay.server, MemoryRelay)
        return self.node.own_relay.server

    @property
    def relay_text(self) -> str:
        return relay_text(self.relay.address, self.relay.pin)


@asynccontextmanager
async def cluster(wire: MemoryWire, directory: Path) -> AsyncIterator[Cluster]:
    """Runs whole nodes for a test."""
    async with anyio.create_task_group() as tasks:
        nodes = Cluster(wire, directory, tasks)
        try:
            yield nodes
        finally:
            await nodes.close()
            tasks.cancel_scope.cancel()


async def eventually(condition: Callable[[], bool]) -> None:
    """Waits until something has become true."""
    with anyio.fail_after(20):
        while not condition():
            await anyio.sleep(0.01)


async def eventually_is(expected: T, ask: Callable[[], Awaitable[T]]) -> None:
    """Waits until an answer is as expected."""
    with anyio.move_on_after(20):
        while await ask() != expected:
            await anyio.sleep(0.01)
    assert await ask() == expected
