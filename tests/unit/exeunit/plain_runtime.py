"""A runtime without walls: programs run as plain processes of this machine. For tests of what drives runtimes."""

import os
import shutil
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL

import anyio
import anyio.abc

from golem_vpn.errors import InvalidInput, RuntimeEnded
from golem_vpn.exeunit.runtimes.base import (
    Deployment,
    DeployResult,
    Interface,
    OutputHandler,
    RunCommand,
    Runtime,
    RuntimeUsage,
    Stream,
    TunDevice,
)


class PlainRuntime(Runtime):
    """Notes what is asked of it, runs programs in the work directory, and breaks where a test says so."""

    def __init__(self) -> None:
        self.deployment: Deployment | None = None
        self.start_args: list[tuple[str, ...]] = []
        self.stopped = 0
        self.fail_to_start = False
        self.slow_to_start = False
        self.broken = False
        self.ended = anyio.Event()

    async def deploy(self, deployment: Deployment) -> DeployResult:
        if deployment.task_package is not None and not deployment.task_package.exists():
            raise InvalidInput(f"there is no {deployment.task_package}")
        deployment.work_dir.mkdir(parents=True, exist_ok=True)
        self.deployment = deployment
        return DeployResult(volumes=("/work",), unenforced=("memory: no cgroup",))

    async def start(self, args: Sequence[str] = ()) -> TunDevice | None:
        self.start_args.append(tuple(args))
        if self.slow_to_start:
            await anyio.sleep_forever()
        if self.fail_to_start:
            raise InvalidInput("it does not start")
        return TunDevice(fd=99, name="vpn0", mtu=1420)

    async def run(self, command: RunCommand, on_output: OutputHandler) -> int:
        if self.broken:
            raise RuntimeEnded("its process 1 was killed")
        assert self.deployment is not None
        environment = dict(os.environ) | dict(self.deployment.env) | dict(command.env)
        arguments = [command.program, *command.args]
        # A start that is cancelled half-way would leave pipes open.
        with anyio.CancelScope(shield=True):
            process = await anyio.open_process(
                arguments, stdin=DEVNULL, cwd=self.deployment.work_dir, env=environment, start_new_session=True
            )
        async with process:
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_pass_on, process.stdout, Stream.STDOUT, on_output)
                    tasks.start_soon(_pass_on, process.stderr, Stream.STDERR, on_output)
                return await process.wait()
            finally:
                # The shell's children hold its pipes open, and the event loop closes those only at their end.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                with anyio.CancelScope(shield=True):
                    await _pass_on(process.stdout, Stream.STDOUT, on_output)
                    await _pass_on(process.stderr, Stream.STDERR, on_output)

    async def put_file(self, source: Path, path: str) -> None:
        shutil.copyfile(source, self._inside(path))

    async def take_file(self, path: str, target: Path) -> None:
        if not self._inside(path).is_file():
            raise InvalidInput(f"container:{path}: No such file or directory")
        shutil.copyfile(self._inside(path), target)

    def _inside(self, path: str) -> Path:
        assert self.deployment is not None
        return self.deployment.work_dir / path.lstrip("/")

    async def set_addresses(self, addresses: Sequence[Interface]) -> None:
        raise NotImplementedError

    async def supervise(self) -> str:
        await self.ended.wait()
        return "it used too much"

    def usage(self) -> RuntimeUsage:
        return RuntimeUsage(cpu_seconds=1.5, memory_bytes=1 << 29, storage_bytes=1 << 28)

    async def stop(self) -> None:
        self.stopped += 1
        self.ended.set()


async def _pass_on(source: anyio.abc.ByteReceiveStream | None, stream: Stream, on_output: OutputHandler) -> None:
    assert source is not None
    async for data in source:
        on_output(stream, data)
