"""One activity: follows the scripts of its requestor, and drives the payload by them.

A batch runs in a task of the group that the provider hands in. Steps that end the payload hold `_ending`, and cancel
all other batches first; so nothing else ever sees a runtime that is half gone.
"""

import time
from collections.abc import Awaitable, Callable
from functools import partial

import anyio
import msgspec
import structlog
from anyio.abc import TaskGroup

from golem_vpn.errors import Gone, RuntimeEnded
from golem_vpn.exeunit.batch import Batch, CommandFailed
from golem_vpn.exeunit.batches import Batches, OnNews, tell_nobody
from golem_vpn.exeunit.deployment import Place, plan_deployment
from golem_vpn.exeunit.events import BatchEvent
from golem_vpn.exeunit.networks import Networks
from golem_vpn.exeunit.outputs import Outputs
from golem_vpn.exeunit.packages import PackageSource, told_to
from golem_vpn.exeunit.payload import Payload
from golem_vpn.exeunit.results import CommandResult
from golem_vpn.exeunit.runtimes.base import DeployResult, RunCommand, Runtime, RuntimeUsage, Stream
from golem_vpn.exeunit.script import Command, Deploy, Run, Sign, Start, Terminate, Transfer, parse_script
from golem_vpn.exeunit.state import StateMachine, Step
from golem_vpn.exeunit.status import DURATION, MEMORY, PROCESSOR_TIME, STORAGE, ActivityStatus, RunningCommand, Usage
from golem_vpn.exeunit.transfers import Carrier, Transfers
from golem_vpn.images.packages import Package
from golem_vpn.trees import remove_tree

MEASURE_SECONDS = 0.5
"""How old the measured usage of a running payload may be."""

log = structlog.get_logger()

_GIB = 1 << 30

EndListener = Callable[[ActivityStatus], Awaitable[None]]


class ExeUnit:
    """Runs one activity from its creation to its end."""

    def __init__(
        self,
        place: Place,
        make_runtime: Callable[[], Runtime],
        networks: Networks,
        packages: PackageSource,
        carrier: Carrier,
        tasks: TaskGroup,
        on_end: EndListener,
        on_news: OnNews = tell_nobody,
    ) -> None:
        self._place = place
        self._make_runtime = make_runtime
        self._networks = networks
        self._packages = packages
        self._transfers = Transfers(carrier, place.requestor, place.work_dir, place.limits.storage_bytes)
        self._tasks = tasks
        self._on_end = on_end
        self._machine = StateMachine()
        self._batches = Batches(on_news)
        self._payload: Payload | None = None
        self._package: Package | None = None
        self._ending = anyio.Lock()
        self._end_reason: str | None = None
        self._began = time.monotonic()
        self._ended: float | None = None
        self._earlier_usage = RuntimeUsage()
        self._measured: tuple[float, RuntimeUsage] | None = None
        self._machine.begin(Step.INITIALIZE)
        self._machine.succeed(Step.INITIALIZE)

    @property
    def requestor(self) -> str:
        """The identity that the activity runs for."""
        return self._place.requestor

    @property
    def is_live(self) -> bool:
        """Says whether the activity has not ended."""
        return not self._machine.ended

    @property
    def status(self) -> ActivityStatus:
        """Where the activity stands."""
        return ActivityStatus(self._machine.pair, self._end_reason)

    @property
    def usage(self) -> Usage:
        """What the activity has used so far."""
        running = RuntimeUsage() if self._payload is None else self._measured_usage(self._payload)
        used = self._earlier_usage.followed_by(running)
        counters = {
            DURATION: (self._ended or time.monotonic()) - self._began,
            PROCESSOR_TIME: used.cpu_seconds,
            MEMORY: used.memory_bytes / _GIB,
            STORAGE: used.storage_bytes / _GIB,
        }
        return Usage(counters, int(time.time()))

    def exec(self, batch_id: str, text: str) -> None:
        """Begins to run a script; a batch id that is known already is the same request again.

        Raises:
            InvalidInput: the text is no script.
            Gone: the activity has ended.
            Conflict: too many batches are running.
        """
        if batch_id in self._batches:
            return
        commands = parse_script(text)
        if self._end_reason is not None:
            raise Gone(f"the activity has ended: {self._end_reason}")
        batch = self._batches.add(batch_id, commands)
        self._tasks.start_soon(batch.execute, partial(self._perform, batch))

    async def results(
        self, batch_id: str, first: int, *, wait_for: int | None = None, timeout: float = 0
    ) -> list[CommandResult]:
        """Gives the results of a batch from an index on, waiting as `Batch.results` does.

        Raises:
            NotFound: there is no such batch.
        """
        return await self._batches.find(batch_id).results(first, wait_for=wait_for, timeout=timeout)

    def events(self, batch_id: str, after: int, most_bytes: int) -> tuple[list[BatchEvent], bool]:
        """Gives the events of a batch after a certain one, up to a number of bytes, and whether there are no others.

        Raises:
            NotFound: there is no such batch.
        """
        batch = self._batches.find(batch_id)
        events = batch.events.after(after, most_bytes)
        last = events[-1].id if events else after
        return events, batch.finished and last >= batch.events.last_id

    def running(self) -> list[RunningCommand]:
        """Lists the command of each batch that runs."""
        return self._batches.running()

    async def destroy(self, reason: str) -> None:
        """Ends the activity and gives back all it took; a second call waits for the first."""
        self._end_reason = self._end_reason or reason
        with anyio.CancelScope(shield=True):
            async with self._ending:
                if not self._machine.ended:
                    await self._destroy(self._end_reason)

    async def _destroy(self, reason: str) -> None:
        self._machine.begin(Step.DESTROY)
        await self._batches.cancel(f"the activity was terminated: {reason}")
        await self._stop_payload()
        await remove_tree(self._place.work_dir)
        self._ended = time.monotonic()
        self._machine.succeed(Step.DESTROY)
        await self._on_end(self.status)

    async def _perform(self, batch: Batch, command: Command, outputs: Outputs) -> None:
        match command:
            case Deploy():
                await self._bring_up(Step.DEPLOY, partial(self._deploy, command, outputs))
            case Start():
                await self._bring_up(Step.START, partial(self._start, command))
            case Run():
                await self._run(command, outputs)
            case Terminate():
                await self._terminate(batch)
            case Transfer():
                self._machine.begin(Step.TRANSFER)
                await self._transfers.run(command, self._deployed_payload, outputs)
            case Sign():
                self._machine.begin(Step.SIGN)
                raise CommandFailed("sign is not supported: this provider has no hardware that vouches for results")

    async def _bring_up(self, step: Step, action: Callable[[], Awaitable[None]]) -> None:
        self._machine.begin(step)
        try:
            await action()
        except BaseException:
            await self._stop_payload()
            self._machine.fail(step)
            raise
        self._machine.succeed(step)

    async def _deploy(self, command: Deploy, outputs: Outputs) -> None:
        plan_deployment(self._place, command)
        self._package = await self._resolve_package(outputs)
        deployment = plan_deployment(self._place, command, self._package)
        self._payload = Payload(self._make_runtime(), self._networks, self._place.requestor)
        result = await self._payload.deploy(deployment)
        outputs.write(Stream.STDOUT, _deploy_report(result))
        for limit in result.unenforced:
            outputs.write(Stream.STDERR, f"not enforced: {limit}\n".encode())

    async def _resolve_package(self, outputs: Outputs) -> Package | None:
        named = self._place.task_package
        if named is None:
            return None
        return await self._packages.resolve(named, self._place.requestor, told_to(outputs))

    async def _start(self, command: Start) -> None:
        payload = self._deployed_payload
        await payload.start(command.args)
        self._tasks.start_soon(self._supervise, payload)

    async def _supervise(self, payload: Payload) -> None:
        reason = await payload.supervise()
        if self._payload is payload:
            await self.destroy(reason)

    async def _run(self, command: Run, outputs: Outputs) -> None:
        self._machine.begin(Step.RUN)
        program = RunCommand(
            program=command.entry_point,
            args=command.args,
            env=tuple(command.env.items()),
            directory=self._package.directory if self._package else None,
        )
        try:
            code = await self._deployed_payload.run(program, outputs.write)
        except RuntimeEnded as error:
            self._tasks.start_soon(self.destroy, error.message)
            raise
        if code != 0:
            raise CommandFailed(f"ExeScript command exited with code {code}", code)

    async def _terminate(self, batch: Batch) -> None:
        async with self._ending:
            self._machine.begin(Step.TERMINATE)
            with anyio.CancelScope(shield=True):
                await self._batches.cancel("the payload was terminated by another command", spare=batch)
                await self._stop_payload()
            self._machine.succeed(Step.TERMINATE)

    async def _stop_payload(self) -> None:
        package, self._package = self._package, None
        payload, self._payload = self._payload, None
        if payload is not None:
            await self._stop(payload)
        if package is not None:
            package.release()

    async def _stop(self, payload: Payload) -> None:
        self._earlier_usage = self._earlier_usage.followed_by(payload.usage())
        self._measured = None
        try:
            await payload.stop()
        except Exception:
            # What follows must happen all the same: the activity's end is reported, its directory removed.
            log.exception("a payload did not stop as it should", activity_id=self._place.activity_id)

    def _measured_usage(self, payload: Payload) -> RuntimeUsage:
        """Measures now and then only: SDKs ask before and after each command, and processes take time to look at."""
        now = time.monotonic()
        if self._measured is None or now - self._measured[0] > MEASURE_SECONDS:
            self._measured = now, payload.usage()
        return self._measured[1]

    @property
    def _deployed_payload(self) -> Payload:
        if self._payload is None:
            raise RuntimeEnded("the payload has ended")
        return self._payload


def _deploy_report(result: DeployResult) -> bytes:
    """Writes the result of a deployment as runtimes of the original do."""
    volumes = [{"name": f"vol-{index}", "path": path} for index, path in enumerate(result.volumes)]
    return msgspec.json.encode({"valid": {"Ok": ""}, "vols": volumes, "startMode": "blocking"})
