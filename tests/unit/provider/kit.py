"""A requestor and a provider in one process: real services and databases, endpoints in memory, a plain runtime."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from golem_vpn.activity.service import ActivityService
from golem_vpn.market.agreements import AgreementService
from golem_vpn.market.service import MarketService
from golem_vpn.net.memory import MemoryWire
from golem_vpn.provider.activities import Means, ProviderActivities
from golem_vpn.provider.agreements import ProviderAgreements
from golem_vpn.provider.service import ProviderService
from golem_vpn.store.activities import ActivityRepository
from golem_vpn.store.agreements import AgreementRepository, Role
from golem_vpn.store.database import Database
from tests.unit.exeunit.kit import NotedCarrier, NotedNetworks
from tests.unit.exeunit.local_packages import LocalPackages
from tests.unit.exeunit.plain_runtime import PlainRuntime
from tests.unit.market.shared_board import SharedBoard
from tests.unit.net.kit import Node, make_node, running


@dataclass
class Requestor:
    """A daemon that hires others."""

    node: Node
    market: MarketService
    agreements: AgreementService
    activities: ActivityService

    @property
    def id(self) -> str:
        return self.node.id


@dataclass
class Provider:
    """A daemon that is hired."""

    node: Node
    database: Database
    market: MarketService
    service: ProviderService
    agreements: ProviderAgreements
    activities: ProviderActivities
    networks: NotedNetworks
    runtimes: list[PlainRuntime]
    strangers: set[str] = field(default_factory=set)
    """Nodes that have joined no hub of this one."""

    @property
    def id(self) -> str:
        return self.node.id


@dataclass
class World:
    """What the daemons of a test live in."""

    directory: Path
    wire: MemoryWire = field(default_factory=MemoryWire)
    board: SharedBoard = field(default_factory=SharedBoard)
    """One for all daemons: what is published by one, all others see at once."""

    @asynccontextmanager
    async def database(self, name: str) -> AsyncIterator[Database]:
        """Opens the database of a daemon."""
        database = Database(self.directory / "data" / name / "golem-vpn.db")
        await database.open()
        try:
            yield database
        finally:
            await database.close()

    @asynccontextmanager
    async def requestor(self, name: str = "alice", *, within: Provider | None = None) -> AsyncIterator[Requestor]:
        """Runs a requestor, in a daemon of its own or in that of a provider."""
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(self.database(name))
            if within is None:
                node = make_node(self.wire, self.directory, name)
                await stack.enter_async_context(running(node))
                market = MarketService(node.control, self.board, database)
                await market.open()
            else:
                node, market = within.node, within.market
            activities = ActivityService(node.control, market.agreements, ActivityRepository(database, Role.REQUESTOR))
            tasks = await stack.enter_async_context(anyio.create_task_group())
            stack.callback(tasks.cancel_scope.cancel)
            tasks.start_soon(activities.run)
            yield Requestor(node, market, market.agreements, activities)

    @asynccontextmanager
    async def provider(self, name: str = "bob", *, maximum: int = 4) -> AsyncIterator[Provider]:
        """Runs a provider's daemon."""
        async with self.database(name) as database:
            node = make_node(self.wire, self.directory, name)
            networks, runtimes, strangers = NotedNetworks(), list[PlainRuntime](), set[str]()

            def make_runtime() -> PlainRuntime:
                runtimes.append(PlainRuntime())
                return runtimes[-1]

            async def is_known(node_id: str) -> bool:
                return node_id not in strangers

            means = Means(
                make_runtime,
                networks,
                LocalPackages(),
                NotedCarrier(),
                self.directory / "data" / name / "activities",
                hidden=(),
            )
            repository = AgreementRepository(database, Role.PROVIDER)
            market = MarketService(node.control, self.board, database)
            await market.open()
            agreements = ProviderAgreements(node.control, market.agreements, repository, is_known, name, maximum)
            activities = ProviderActivities(ActivityRepository(database, Role.PROVIDER), means, maximum)
            service = ProviderService(node.control, market.agreements, agreements, activities)
            await service.open()
            async with anyio.create_task_group() as tasks, running(node):
                tasks.start_soon(service.run)
                yield Provider(node, database, market, service, agreements, activities, networks, runtimes, strangers)
                tasks.cancel_scope.cancel()

    @asynccontextmanager
    async def pair(self, *, maximum: int = 4) -> AsyncIterator[tuple[Requestor, Provider]]:
        """Runs a requestor and a provider that know where the other is."""
        async with self.requestor() as requestor, self.provider(maximum=maximum) as provider:
            requestor.node.knows(provider.node)
            provider.node.knows(requestor.node)
            yield requestor, provider
