from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from litestar import Litestar
from litestar.types import ASGIApp

from golem_vpn.activity.service import ActivityService
from golem_vpn.api.app import guard, make_routes
from golem_vpn.api.app_keys import AppKeys
from golem_vpn.api.dependencies import Services
from golem_vpn.api.gate import Gates
from golem_vpn.errors import NotFound, RuntimeUnavailable
from golem_vpn.files.bus import Bus
from golem_vpn.files.exchange import Exchange
from golem_vpn.files.fetch import Fetcher
from golem_vpn.files.service import FileService
from golem_vpn.images.registry import Registry
from golem_vpn.market.service import MarketService
from golem_vpn.net.control import Control
from golem_vpn.net.exclusions import Exclusions
from golem_vpn.net.hub import Hub
from golem_vpn.net.identity import Identities
from golem_vpn.net.records import KeptRecords
from golem_vpn.net.relay_view import RelayState
from golem_vpn.net.ticket import Ticket
from golem_vpn.store.activities import ActivityRepository
from golem_vpn.store.agreements import Role
from golem_vpn.store.app_keys import AppKeyRepository
from golem_vpn.store.database import Database
from golem_vpn.store.exclusions import ExclusionRepository
from golem_vpn.store.files import FileRepository
from golem_vpn.store.hubs import HubRepository
from golem_vpn.store.images import ImageRepository
from golem_vpn.store.networks import NetworkRepository
from golem_vpn.store.node_records import NodeRecordRepository
from golem_vpn.vpn.attachments import Attachments, Document
from golem_vpn.vpn.model import Connection
from golem_vpn.vpn.networks import NetworkService
from golem_vpn.vpn.ports import NetworkDraft, Stack
from tests.unit.net.kit import Node, make_node, running
from tests.unit.payment.kit import make_payments
from tests.unit.provider.kit import Provider, World

PROVIDER = "0x" + "a" * 40
SILENT_PEER = "0x" + "b" * 40
RELAY = "https://192.0.2.9:7464#sha256=" + "ab" * 32
PEER: dict[str, Any] = {
    "nodeId": PROVIDER,
    "path": {
        "kind": "relayed",
        "address": None,
        "relay": RELAY,
        "since": 90.0,
        "rttMs": 41.5,
        "lossPercent": 0.5,
        "mtu": 1280,
        "reason": "direct addresses are still being tried",
        "nextTry": 30.0,
    },
    "candidates": [{"address": "192.0.2.1:11501", "source": "reflected", "result": "failed"}],
    "silentFor": 0.5,
    "packetsIn": 1,
    "bytesIn": 10,
    "packetsOut": 2,
    "bytesOut": 20,
    "networks": [
        {
            "networkId": "e" * 32,
            "address": "192.0.2.1:11501",
            "cipher": "aes-256-gcm",
            "sessionAge": 2.5,
            "packetsIn": 1,
            "bytesIn": 10,
            "packetsOut": 2,
            "bytesOut": 20,
        }
    ],
}


@dataclass
class NodeAtRest:
    """A node that carries nothing."""

    node_id: str
    version: str = "0.1.0"
    started_at: float = 1_790_000_000.0

    def addresses(self) -> Sequence[str]:
        return ["192.0.2.7:11500"]

    def peers(self) -> Sequence[str]:
        return [SILENT_PEER, PROVIDER]

    def connected(self) -> Sequence[str]:
        return [PROVIDER]

    def name_of(self, node_id: str) -> str:
        return {PROVIDER: "provider-1"}.get(node_id, "")

    async def relays(self) -> list[RelayState]:
        return [
            RelayState(url=RELAY, node_id=PROVIDER, own=False, state="connected", rtt_ms=20.5),
            RelayState(url=RELAY.replace("9:", "8:"), node_id=PROVIDER, own=False, state="failed", failure="refused"),
        ]

    def relay_counters(self) -> dict[str, int]:
        return {"relay_bytes": 5}

    async def snapshot(self) -> dict[str, Any]:
        return {
            "counters": {"packets_in": 3, "bytes_in": 1234},
            "drops": {"spoofed_source": 2},
            "offloads": {"udp_gso": True, "udp_gro": False},
            "peers": [PEER],
            "nat": {"reflected": ["198.51.100.1:4000"], "symmetric": False},
            "devices": [],
            "cipher": "aes-256-gcm",
        }


@dataclass(frozen=True)
class Entry:
    node_id: str = PROVIDER
    name: str = "provider-1"
    roles: tuple[str, ...] = ("provider",)
    online: bool = True
    last_seen: datetime | None = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@dataclass
class OneHub:
    hub: Hub
    joined: list[str] = field(default_factory=list)

    def own_hub(self) -> Hub:
        return self.hub

    async def nodes(self) -> list[Entry]:
        return [Entry()]

    async def join(self, text: str) -> str:
        self.joined.append(Ticket.parse(text).hub)
        return self.joined[-1]

    async def leave(self, hub_id: str | None) -> str:
        if not self.joined:
            raise NotFound("this node has not joined any hub")
        return self.joined.pop()


class DeafPublisher:
    async def publish(self, draft: NetworkDraft) -> None: ...
    async def withdraw(self, network_id: str) -> None: ...


class UnpluggedStack:
    async def set_addresses(self, addresses: Sequence[str]) -> None: ...
    async def connect(self, ip: str, port: int, timeout: float) -> Any:
        raise AssertionError("nothing to connect to")

    def open_raw(self, source: str, destination: str) -> Any:
        raise AssertionError("nothing to send frames to")

    def connections(self) -> list[Connection]:
        return []

    def close(self) -> None: ...


class UnpluggedStacks:
    async def open(self, network_id: str, addresses: Sequence[str]) -> Stack:
        return UnpluggedStack()


class NoDocuments:
    """A node that is in no network but its own."""

    def document(self, network_id: str) -> None: ...
    def watch(self, watcher: Callable[[Document], None]) -> None: ...


class NoInterfaces:
    def create(self, name: str, network_id: str, addresses: Sequence[str]) -> int:
        raise RuntimeUnavailable("needs CAP_NET_ADMIN")

    def allow(self, interface: int, network_id: str, addresses: Sequence[str]) -> None: ...
    def remove(self, interface: int) -> None: ...


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "golem-vpn.db")
    await database.open()
    yield database
    await database.close()


@pytest.fixture(autouse=True)
def blockbuster() -> Iterator[BlockBuster]:
    """Makes a call fail that blocks the event loop."""
    with blockbuster_ctx(["golem_vpn.api", "golem_vpn.vpn", "golem_vpn.store"]) as blockbuster:
        # A traceback in the log shows source lines, whose files are looked at.
        blockbuster.functions["os.stat"].deactivate()
        yield blockbuster


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def node(world: World) -> Node:
    return make_node(world.wire, world.directory, "alice")


@pytest.fixture
def identities(node: Node) -> Identities:
    return node.control.identities


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "app-key"


@pytest.fixture
async def app_keys(database: Database, identities: Identities, key_file: Path) -> AppKeys:
    keys = AppKeys(AppKeyRepository(database), identities)
    await keys.start(identities.default.node_id, key_file)
    return keys


@pytest.fixture
async def networks(database: Database, identities: Identities) -> NetworkService:
    return NetworkService(
        NetworkRepository(database),
        DeafPublisher(),
        UnpluggedStacks(),
        node_id=identities.default.node_id,
        own_ids=identities,
    )


@pytest.fixture
async def images(database: Database, tmp_path: Path) -> Registry:
    registry = Registry(tmp_path / "images", ImageRepository(database))
    await registry.open()
    return registry


@pytest.fixture
async def services(
    app_keys: AppKeys,
    networks: NetworkService,
    world: World,
    node: Node,
    database: Database,
    images: Registry,
) -> AsyncIterator[Services]:
    market = MarketService(node.control, world.board, database)
    await market.open()
    payments = make_payments(node.control, database)
    activities = ActivityService(node.control, market.agreements, ActivityRepository(database, Role.REQUESTOR))
    exchange = Exchange(node.control)
    services = Services(
        node=NodeAtRest(node.id),
        identities=node.control.identities,
        app_keys=app_keys,
        networks=networks,
        gates=Gates(app_keys, networks),
        directory=OneHub(make_hub(node.control, database)),
        attachments=Attachments(NoDocuments(), NoInterfaces(), node.id, networks.gate_addresses),
        market=market,
        images=images,
        files=FileService(exchange, Fetcher(node.control), FileRepository(database)),
        bus=Bus(exchange),
        activities=activities,
        payments=payments,
        allow_origins=("https://global.example",),
    )
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(activities.run)
        yield services
        tasks.cancel_scope.cancel()


@pytest.fixture
async def provider(world: World, node: Node) -> AsyncIterator[Provider]:
    """A provider that the daemon knows."""
    async with running(node), world.provider() as provider:
        node.knows(provider.node)
        provider.node.knows(node)
        yield provider


def make_hub(control: Control, database: Database) -> Hub:
    """Makes the daemon a hub."""
    records = KeptRecords(control.book, NodeRecordRepository(database))
    return Hub(control, records, Exclusions(ExclusionRepository(database)), HubRepository(database))


class Present:
    """The services of the test that runs."""

    def __init__(self) -> None:
        self.services: Services | None = None

    def __call__(self) -> Services:
        assert self.services is not None
        return self.services


@pytest.fixture(scope="session")
def present() -> Present:
    return Present()


@pytest.fixture(scope="session")
def routes(present: Present) -> Litestar:
    """The routes, put together once for all tests."""
    return make_routes(present, NodeAtRest.version)


@pytest.fixture
def app(routes: Litestar, present: Present, services: Services) -> ASGIApp:
    present.services = services
    return guard(routes, services)


@pytest.fixture
async def stranger(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key."""
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://daemon") as client:
        yield client


@pytest.fixture
async def client(stranger: httpx.AsyncClient, key_file: Path) -> httpx.AsyncClient:
    stranger.headers["Authorization"] = f"Bearer {key_file.read_text().strip()}"
    return stranger
