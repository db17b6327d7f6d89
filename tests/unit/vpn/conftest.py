from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from golem_vpn.store.database import Database
from golem_vpn.store.networks import NetworkRepository
from golem_vpn.vpn.model import Connection
from golem_vpn.vpn.networks import NetworkService
from golem_vpn.vpn.ports import FrameStream, NetworkDraft, Stream

NODE_ID = "0x" + "1" * 40


@dataclass
class RecordedPublisher:
    """Keeps what would be told to the members."""

    published: dict[str, NetworkDraft] = field(default_factory=dict)
    withdrawn: list[str] = field(default_factory=list)
    broken: bool = False

    async def publish(self, draft: NetworkDraft) -> None:
        if self.broken:
            raise ConnectionResetError
        self.published[draft.id] = draft

    async def withdraw(self, network_id: str) -> None:
        if self.broken:
            raise ConnectionResetError
        self.withdrawn.append(network_id)


class SilentStream:
    """A connection that carries nothing."""

    def pump_websocket(self, fd: int, already_read: bytes, response_head: bytes) -> Awaitable[str]:
        raise AssertionError("nobody opened a websocket")

    def drops(self) -> dict[str, int]:
        return {}

    def close(self) -> None:
        pass


@dataclass
class RecordedStack:
    """Keeps its addresses, and whom it was to call."""

    network_id: str
    addresses: list[str]
    called: list[tuple[str, int]] = field(default_factory=list)
    raw: list[tuple[str, str]] = field(default_factory=list)
    closed: bool = False

    async def set_addresses(self, addresses: Sequence[str]) -> None:
        self.addresses = list(addresses)

    async def connect(self, ip: str, port: int, timeout: float) -> Stream:
        assert timeout == 5
        self.called.append((ip, port))
        return SilentStream()

    def open_raw(self, source: str, destination: str) -> FrameStream:
        self.raw.append((source, destination))
        return SilentStream()

    def connections(self) -> list[Connection]:
        source = self.addresses[0].split("/")[0]
        return [Connection(6, source, 40_000 + index, *called) for index, called in enumerate(self.called)]

    def close(self) -> None:
        self.closed = True


@dataclass
class RecordedStacks:
    opened: list[RecordedStack] = field(default_factory=list)

    async def open(self, network_id: str, addresses: Sequence[str]) -> RecordedStack:
        self.opened.append(RecordedStack(network_id, list(addresses)))
        return self.opened[-1]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "golem-vpn.db")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def publisher() -> RecordedPublisher:
    return RecordedPublisher()


@pytest.fixture
def stacks() -> RecordedStacks:
    return RecordedStacks()


@pytest.fixture
def networks(database: Database, publisher: RecordedPublisher, stacks: RecordedStacks) -> NetworkService:
    return NetworkService(NetworkRepository(database), publisher, stacks, node_id=NODE_ID, own_ids={NODE_ID})
