"""What is done with the nodes, and what is measured meanwhile."""

import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path

import anyio

from bench.presence.crowd import Crowd, crowd
from bench.presence.daemons import Daemon, daemon
from golem_vpn.sdk.client import Client

NETWORK = ip_network("10.96.0.0/20")
PATIENCE = 600.0
ADDING_AT_ONCE = 4
SETTLE_SECONDS = 10.0
ASKERS_PER_PROCESS = 5
RAM = "/dev/shm"
"""Where the simulated nodes' databases are: a thousand nodes don't share one disk elsewhere either."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    nodes: int
    processes: int
    vanishing: int
    changes: int
    rest_seconds: float


FULL = Size(nodes=1000, processes=4, vanishing=100, changes=5, rest_seconds=30)
QUICK = Size(nodes=100, processes=2, vanishing=10, changes=3, rest_seconds=5)


@dataclass(slots=True)
class Figures:
    """What came out, in seconds where nothing else is said."""

    nodes: int
    join: list[float] = field(default_factory=list)
    """From the moment when all were told to join until each had joined."""
    hub_cpu_of_joining: float = 0.0
    hub_megabytes: float = 0.0
    hub_cpu_at_rest: float = 0.0
    """Processor seconds for each second, in a network of all nodes in which nothing happens."""
    owner_megabytes: float = 0.0
    owner_cpu_at_rest: float = 0.0
    network_known: list[float] = field(default_factory=list)
    """From that moment until each had the network's document from its owner."""
    owner_cpu_of_adding: float = 0.0
    """For all nodes together, before they are there."""
    address_added: list[float] = field(default_factory=list)
    """From the owner's request until each member follows the change, of all changes."""
    node_removed: list[float] = field(default_factory=list)
    """Likewise, the removed node included."""
    owner_cpu_of_change: float = 0.0
    hub_cpu_of_change: float = 0.0
    presence_at_hub: float = 0.0
    """From the end of some nodes until the hub's list shows that they, and no others, are away."""
    presence_at_members: list[float] = field(default_factory=list)


async def measure_presence(size: Size, progress: Callable[[str], None]) -> Figures:
    """Runs the whole scenario."""
    figures = Figures(size.nodes)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="golem-vpn-bench-")))
        ram = stack.enter_context(tempfile.TemporaryDirectory(prefix="golem-vpn-bench-", dir=RAM))
        hub = stack.enter_context(daemon(folder / "hub", "--hub"))
        owner = stack.enter_context(daemon(folder / "owner"))
        async with crowd(Path(ram)) as nodes, hub.client() as hub_client, owner.client() as owner_client:
            await owner_client.join(await hub_client.create_ticket())
            progress(f"starting {size.nodes} nodes")
            await nodes.start(_counts(size), await hub_client.create_ticket())
            progress("adding them to a network")
            network = await _measure_adding(nodes, owner, owner_client, figures)
            progress("joining")
            await _measure_joining(nodes, hub, figures)
            progress("at rest")
            await _measure_rest(hub, owner, size.rest_seconds, figures)
            progress("changing the network")
            await _measure_changes(nodes, hub, owner, _Network(owner_client, network), size.changes, figures)
            progress(f"ending {size.vanishing} nodes")
            await _measure_presence(nodes, hub_client, figures)
    return figures


def _counts(size: Size) -> list[int]:
    """Gives the nodes of each process; those of the first one vanish later."""
    rest = size.nodes - size.vanishing
    share, more = divmod(rest, size.processes)
    return [size.vanishing, *(share + (number < more) for number in range(size.processes))]


async def _measure_joining(nodes: Crowd, hub: Daemon, figures: Figures) -> None:
    cpu_before, began = hub.cpu_seconds, time.monotonic()
    await nodes.join()
    await nodes.until(lambda: len(nodes.joined) == figures.nodes, PATIENCE)
    figures.join = sorted(at - began for at in nodes.joined.values())
    figures.hub_cpu_of_joining = hub.cpu_seconds - cpu_before
    # The first version has the owner alone.
    known = await nodes.until_applied(figures.nodes + 1, nodes.node_ids, PATIENCE)
    figures.network_known = [at - began for at in known]


async def _measure_adding(nodes: Crowd, owner: Daemon, client: Client, figures: Figures) -> str:
    cpu_before = owner.cpu_seconds
    network = (await client.create_network(str(NETWORK))).id
    limiter = anyio.CapacityLimiter(ADDING_AT_ONCE)

    async def add(node_id: str, ip: str) -> None:
        async with limiter:
            await client.add_node(network, node_id, ip)

    async with anyio.create_task_group() as tasks:
        for number, node_id in enumerate(nodes.node_ids):
            tasks.start_soon(add, node_id, _address(number))
    figures.owner_cpu_of_adding = owner.cpu_seconds - cpu_before
    return network


async def _measure_rest(hub: Daemon, owner: Daemon, seconds: float, figures: Figures) -> None:
    await anyio.sleep(SETTLE_SECONDS)
    hub_before, owner_before, began = hub.cpu_seconds, owner.cpu_seconds, time.monotonic()
    await anyio.sleep(seconds)
    took = time.monotonic() - began
    figures.hub_cpu_at_rest = (hub.cpu_seconds - hub_before) / took
    figures.owner_cpu_at_rest = (owner.cpu_seconds - owner_before) / took
    figures.hub_megabytes, figures.owner_megabytes = hub.resident_megabytes, owner.resident_megabytes


@dataclass(frozen=True, slots=True)
class _Network:
    client: Client
    id: str

    async def add(self, node_id: str, ip: str) -> None:
        await self.client.add_node(self.id, node_id, ip)

    async def remove(self, node_id: str) -> None:
        await self.client.remove_node(self.id, node_id)


async def _measure_changes(
    nodes: Crowd, hub: Daemon, owner: Daemon, network: _Network, changes: int, figures: Figures
) -> None:
    everybody = nodes.node_ids
    hub_before, owner_before, version = hub.cpu_seconds, owner.cpu_seconds, figures.nodes + 1
    for number in range(changes):
        node_id, first, second = everybody[-1 - number], len(everybody) - 1 - number, len(everybody) + number
        for change, taken in (
            (network.add(node_id, _address(second)), figures.address_added),
            (network.remove(node_id), figures.node_removed),
        ):
            version += 1
            taken += await _time_change(nodes, change, version, everybody)
        version += 1
        await network.add(node_id, _address(first))
        await nodes.until_applied(version, everybody, PATIENCE)
    figures.owner_cpu_of_change = (owner.cpu_seconds - owner_before) / (3 * changes)
    figures.hub_cpu_of_change = (hub.cpu_seconds - hub_before) / (3 * changes)


async def _time_change(nodes: Crowd, change: Awaitable[None], version: int, node_ids: Iterable[str]) -> list[float]:
    began = time.monotonic()
    await change
    return [at - began for at in await nodes.until_applied(version, list(node_ids), PATIENCE)]


async def _measure_presence(nodes: Crowd, hub: Client, figures: Figures) -> None:
    vanishing = nodes.workers[0]
    absent = frozenset(vanishing.node_ids)
    await nodes.kill(vanishing)
    began = time.monotonic()
    await nodes.watch_presence(sorted(absent), ASKERS_PER_PROCESS)
    with anyio.fail_after(PATIENCE):
        while {node.node_id for node in await hub.nodes() if not node.online} != absent:
            await anyio.sleep(0.1)
    figures.presence_at_hub = time.monotonic() - began
    askers = ASKERS_PER_PROCESS * len(nodes.workers)
    await nodes.until(lambda: len(nodes.present) == askers, PATIENCE)
    figures.presence_at_members = [at - began for at in nodes.present.values()]


def _address(number: int) -> str:
    """Gives the address of a node; the owner has the first host."""
    return str(ip_address(int(NETWORK.network_address) + 2 + number))
