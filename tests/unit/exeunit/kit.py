"""An ExeUnit with a plain runtime, and networks that only take notes."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import msgspec

from golem_vpn.errors import Forbidden, NotFound
from golem_vpn.exeunit.deployment import Place
from golem_vpn.exeunit.exeunit import ExeUnit
from golem_vpn.exeunit.networks import Networks
from golem_vpn.exeunit.packages import PackageSource
from golem_vpn.exeunit.results import CommandResult
from golem_vpn.exeunit.runtimes.base import NetworkAddress, TunDevice
from golem_vpn.exeunit.status import ActivityStatus
from golem_vpn.exeunit.transfers import Carrier
from golem_vpn.files.chunks import Progress
from tests.unit.exeunit.local_packages import LocalPackages
from tests.unit.exeunit.plain_runtime import PlainRuntime

REQUESTOR = "0x" + "aa" * 20
FOREIGN_NETWORK = "f" * 32


@dataclass
class NotedNetworks(Networks):
    """Notes who joins and leaves; one network belongs to somebody else."""

    joined: dict[int, tuple[NetworkAddress, ...]] = field(default_factory=dict)
    joins: int = 0

    async def join(self, requestor: str, device: TunDevice, addresses: Sequence[NetworkAddress]) -> int:
        if any(address.network_id == FOREIGN_NETWORK for address in addresses):
            raise Forbidden("the network is not the requestor's")
        self.joins += 1
        self.joined[self.joins] = tuple(addresses)
        return self.joins

    def leave(self, device: int) -> None:
        del self.joined[device]


@dataclass
class NotedCarrier(Carrier):
    """A world of files by URL; notes for whom it works."""

    files: dict[str, bytes] = field(default_factory=dict)
    requestors: list[str | None] = field(default_factory=list)

    async def download(
        self, url: str, target: Path, on_progress: Progress, *, requestor: str | None, limit: int | None
    ) -> None:
        if url not in self.files:
            raise NotFound(f"nothing is at {url}")
        self.requestors.append(requestor)
        target.write_bytes(self.files[url])
        on_progress(len(self.files[url]), len(self.files[url]))

    async def upload(self, source: Path, url: str, on_progress: Progress, *, requestor: str | None) -> None:
        self.requestors.append(requestor)
        self.files[url] = source.read_bytes()
        on_progress(len(self.files[url]), len(self.files[url]))


@dataclass
class Activity:
    """An ExeUnit and what a test sees of it."""

    unit: ExeUnit
    work_dir: Path
    networks: NotedNetworks
    carrier: NotedCarrier
    runtimes: list[PlainRuntime]
    """One for each deployment so far."""
    ends: list[ActivityStatus]
    _count: int = 0

    def begin(self, *commands: dict[str, Any]) -> str:
        """Hands in a script and gives its batch id."""
        self._count += 1
        batch_id = f"batch-{self._count}"
        self.unit.exec(batch_id, msgspec.json.encode(commands).decode())
        return batch_id

    async def all_results(self, batch_id: str) -> list[CommandResult]:
        """Waits for the end of a batch."""
        return await self.unit.results(batch_id, 0, wait_for=1_000, timeout=30)

    async def do(self, *commands: dict[str, Any]) -> list[CommandResult]:
        """Runs a script to its end."""
        return await self.all_results(self.begin(*commands))

    async def make_ready(self, deploy: dict[str, Any] | None = None) -> None:
        """Deploys and starts."""
        results = await self.do({"deploy": deploy or {}}, {"start": {}})
        assert [result.message for result in results] == [None, None]


def shell(text: str, **more: Any) -> dict[str, Any]:
    """Gives a command that runs a shell script and keeps what it writes."""
    kept: dict[str, Any] = {"stdout": {"atEnd": {}}, "stderr": {"atEnd": {}}}
    return {"run": {"entry_point": "/bin/sh", "args": ["-c", text], "capture": kept, **more}}


def text_of(result: CommandResult) -> str:
    """Gives what a command wrote to its standard output."""
    assert result.stdout is not None
    return result.stdout.data.decode()


@asynccontextmanager
async def open_activity(
    work_dir: Path,
    *,
    prepare: Any = None,
    task_package: str | None = None,
    packages: PackageSource | None = None,
) -> AsyncIterator[Activity]:
    """Makes an activity; `prepare` may change each runtime before its use."""
    networks, carrier, runtimes, ends = NotedNetworks(), NotedCarrier(), list[PlainRuntime](), list[ActivityStatus]()

    def make_runtime() -> PlainRuntime:
        runtime = PlainRuntime()
        if prepare is not None:
            prepare(runtime)
        runtimes.append(runtime)
        return runtime

    async def note_end(status: ActivityStatus) -> None:
        ends.append(status)

    place = Place(activity_id="a" * 32, requestor=REQUESTOR, work_dir=work_dir, task_package=task_package)
    async with anyio.create_task_group() as tasks:
        unit = ExeUnit(place, make_runtime, networks, packages or LocalPackages(), carrier, tasks, note_end)
        yield Activity(unit, work_dir, networks, carrier, runtimes, ends)
        await unit.destroy("the test is over")
