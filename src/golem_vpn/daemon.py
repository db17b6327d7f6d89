"""Builds every object of a daemon, runs it until it is told to stop, and takes it down in the reverse order."""

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import msgspec
import structlog
from anyio.abc import TaskGroup

from golem_vpn.activity.service import ActivityService
from golem_vpn.api.app_keys import AppKeys
from golem_vpn.api.dependencies import Services
from golem_vpn.api.gate import Gates
from golem_vpn.api.server import ApiServer
from golem_vpn.config import Address, Config, DaemonFile
from golem_vpn.errors import Conflict
from golem_vpn.exeunit.networks import MemberNetworks
from golem_vpn.exeunit.runtimes.namespace import NamespaceRuntime
from golem_vpn.exeunit.transfers import Carrier
from golem_vpn.files.node_files import NodeFiles
from golem_vpn.images.node_images import NodeImages
from golem_vpn.images.packages import Packages
from golem_vpn.lasting import lasting
from golem_vpn.market.board import OfferBoard
from golem_vpn.market.service import MarketService
from golem_vpn.net.carriers import Net, open_net
from golem_vpn.net.view import NodeView
from golem_vpn.payment import platforms
from golem_vpn.payment.ledger import LedgerDriver
from golem_vpn.payment.service import PaymentService
from golem_vpn.provider.activities import Means, ProviderActivities
from golem_vpn.provider.advert import Surroundings
from golem_vpn.provider.agent import ProviderAgent
from golem_vpn.provider.agreements import ProviderAgreements, joined_with
from golem_vpn.provider.machine import look_at_machine
from golem_vpn.provider.owner import Owner
from golem_vpn.provider.service import ProviderService, refuse_to_provide
from golem_vpn.store.activities import ActivityRepository
from golem_vpn.store.agreements import AgreementRepository, Role
from golem_vpn.store.app_keys import AppKeyRepository
from golem_vpn.store.networks import NetworkRepository
from golem_vpn.store.payment import PaymentRepository
from golem_vpn.vpn.attachments import Attachments
from golem_vpn.vpn.interfaces import NativeInterfaces
from golem_vpn.vpn.networks import NetworkService
from golem_vpn.vpn.stacks import NativeStacks

log = structlog.get_logger()


def run(config: Config, on_ready: Callable[[], None]) -> None:
    """Runs a daemon until SIGTERM or SIGINT.

    Raises:
        ConfigurationError: an address cannot be had, or a file of the data folder is not as it must be.
        Conflict: another daemon uses the data folder.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(os.environ.get("GOLEM_VPN_LOG", "info")),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _exclusive(config.data_dir):
        log.info("starting", data_dir=str(config.data_dir))
        anyio.run(_serve, config, on_ready, backend_options={"use_uvloop": True})


async def _serve(config: Config, on_ready: Callable[[], None]) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with open_net(config) as net, anyio.create_task_group() as carriers:
            net.node.control.expect_handlers()
            carriers.start_soon(net.node.run)
            # What serves ends before what carries: payloads are ended, and other nodes told, while messages still go.
            async with anyio.create_task_group() as servers:
                with lasting():
                    services = await _start_services(config, net, servers)
                    server = ApiServer(services, config.api)
                net.node.control.have_handlers()
                api: Address = await servers.start(server.serve)
                with _announced(config.data_dir, api, net.node.control.node_id):
                    log.info("ready", api=str(api), node_id=services.node.node_id, addresses=net.data_plane.addresses)
                    on_ready()
                    number = await anext(signals)
                    log.info("stopping", signal=signal.Signals(number).name)
                servers.cancel_scope.cancel()
            services.networks.close()
            carriers.cancel_scope.cancel()


async def _start_services(config: Config, net: Net, tasks: TaskGroup) -> Services:
    """Builds the services, and starts those that have something to do in the background."""
    control, membership = net.node.control, net.node.membership
    app_keys = AppKeys(AppKeyRepository(net.database), net.node.identities)
    await app_keys.start(control.node_id, config.data_dir / "app-key")
    networks = NetworkService(
        NetworkRepository(net.database), membership, NativeStacks(net.data_plane, net.stack_helpers),
        node_id=control.node_id, own_ids=net.node.identities,
    )  # fmt: skip
    interfaces = NativeInterfaces(net.data_plane)
    files = await NodeFiles.open(
        control, net.database, hidden=(config.data_dir,), allow_local_urls=config.allow_local_urls
    )
    images = await NodeImages.open(
        config.data_dir / "images", net.database, files, cache_bytes=config.image_cache_bytes
    )
    board = OfferBoard(control, net.node.directory, net.node.hub)
    market = MarketService(control, board, net.database)
    await market.open()
    agreements = market.agreements
    activities = ActivityService(control, agreements, ActivityRepository(net.database, Role.REQUESTOR))
    payments = _payments(config, net)
    await payments.open()
    provider = None
    if config.provider:
        provider = await _start_provider(config, net, market, payments, images.packages, files.fetcher, tasks)
    else:
        refuse_to_provide(control)
    tasks.start_soon(board.run)
    tasks.start_soon(market.run)
    tasks.start_soon(activities.run)
    tasks.start_soon(payments.run)
    await networks.start()
    return Services(
        node=NodeView(net, time.time()),
        identities=net.node.identities,
        app_keys=app_keys,
        networks=networks,
        gates=Gates(app_keys, networks),
        directory=net.node.directory,
        attachments=Attachments(membership, interfaces, control.node_id, networks.gate_addresses),
        market=market,
        activities=activities,
        images=images.registry,
        payments=payments,
        provider=provider,
        files=files.service,
        bus=files.bus,
        allow_origins=config.allow_origins,
    )


def _payments(config: Config, net: Net) -> PaymentService:
    offered = [platforms.parse(name) for name in config.payment_platforms]
    ledger = LedgerDriver(PaymentRepository(net.database), net.node.identities, offered)
    return PaymentService(net.node.control, net.database, [ledger])


async def _start_provider(
    config: Config,
    net: Net,
    market: MarketService,
    payments: PaymentService,
    packages: Packages,
    carrier: Carrier,
    tasks: TaskGroup,
) -> ProviderAgent:
    control = net.node.control
    known = joined_with(net.node.directory)
    stored = AgreementRepository(net.database, Role.PROVIDER)
    agreements = ProviderAgreements(control, market.agreements, stored, known, config.name, config.max_agreements)
    means = Means(
        make_runtime=NamespaceRuntime,
        networks=MemberNetworks(control.node_id, net.node.membership, net.data_plane),
        packages=packages,
        carrier=carrier,
        work_root=config.data_dir / "activities",
        hidden=(config.data_dir,),
    )
    repository = ActivityRepository(net.database, Role.PROVIDER)
    activities = ProviderActivities(repository, means, config.max_activities)
    service = ProviderService(control, market.agreements, agreements, activities)
    await service.open()
    owner = Owner(config.data_dir)
    await owner.open()
    surroundings = Surroundings(
        node_name=config.name,
        subnet=config.subnet,
        machine=await anyio.to_thread.run_sync(look_at_machine, config.data_dir),
        accounts=payments.account_properties(),
    )
    agent = ProviderAgent(control.node_id, net.database, market, payments, activities, owner, surroundings)
    tasks.start_soon(service.run)
    tasks.start_soon(agent.run)
    return agent


@contextmanager
def _announced(data_dir: Path, api: Address, node_id: str) -> Iterator[None]:
    file = data_dir / "daemon.json"
    reachable = Address({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(api.host, api.host), api.port)  # noqa: S104
    temporary = file.with_suffix(".new")
    temporary.write_bytes(msgspec.json.encode(DaemonFile(f"http://{reachable}", os.getpid(), node_id)))
    temporary.replace(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


@contextmanager
def _exclusive(data_dir: Path) -> Iterator[None]:
    """Keeps a second daemon from the same data folder; the kernel lets go when the process ends, however it ends."""
    with open(data_dir / "daemon.lock", "wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"another daemon is running with the data folder {data_dir}") from None
        (data_dir / "daemon.json").unlink(missing_ok=True)
        yield
