"""Nodes in one process that have files for each other."""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from golem_vpn.files.blobs import Blobs
from golem_vpn.files.exchange import Exchange
from golem_vpn.files.fetch import Fetcher
from golem_vpn.files.service import FileService
from golem_vpn.net.memory import MemoryWire
from golem_vpn.store.database import Database
from golem_vpn.store.files import FileRepository
from tests.unit.net.kit import Node, make_node, running


@dataclass
class House:
    """A node with files."""

    node: Node
    exchange: Exchange
    files: FileService
    blobs: Blobs
    fetcher: Fetcher
    home: Path

    @property
    def id(self) -> str:
        return self.node.id

    def write(self, name: str, content: bytes) -> Path:
        """Makes a file."""
        path = self.home / name
        path.write_bytes(content)
        return path


@dataclass
class Town:
    """What the nodes of a test live in."""

    directory: Path
    wire: MemoryWire = field(default_factory=MemoryWire)

    @asynccontextmanager
    async def house(self, name: str) -> AsyncIterator[House]:
        """Runs a node, with what it had when it was there before."""
        database = Database(self.directory / "data" / name / "golem-vpn.db")
        await database.open()
        try:
            node = make_node(self.wire, self.directory, name)
            home = self.directory / "homes" / name
            home.mkdir(parents=True, exist_ok=True)
            exchange = Exchange(node.control)
            fetcher = Fetcher(node.control)
            files = FileService(exchange, fetcher, FileRepository(database), hidden=(self.directory / "data",))
            await files.open()
            async with running(node):
                yield House(node, exchange, files, Blobs(node.control), fetcher, home)
        finally:
            await database.close()

    @asynccontextmanager
    async def pair(self) -> AsyncIterator[tuple[House, House]]:
        """Runs two nodes that know where the other is."""
        async with AsyncExitStack() as stack:
            alice, bob = [await stack.enter_async_context(self.house(name)) for name in ("alice", "bob")]
            introduce(alice, bob)
            yield alice, bob

    def cut(self, one: House, other: House) -> None:
        self.wire.cut(one.node.endpoint, other.node.endpoint)

    def mend(self, one: House, other: House) -> None:
        self.wire.mend(one.node.endpoint, other.node.endpoint)


def introduce(one: House, other: House) -> None:
    """Makes two nodes know where the other is."""
    one.node.knows(other.node)
    other.node.knows(one.node)


def noise(size: int) -> bytes:
    """Gives bytes without any pattern, the same each time."""
    return random.Random(size).randbytes(size)


def leftovers(directory: Path) -> list[str]:
    """Names the files that are on their way."""
    return [path.name for path in directory.iterdir() if path.name.endswith(".part")]
