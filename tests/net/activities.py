"""An activity in namespaces, as tests use it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_interface
from pathlib import Path
from typing import Any

import anyio
import msgspec

from golem_vpn.exeunit.runtimes.base import Deployment, DeployResult, NetworkAddress, RunCommand, Stream, TunDevice
from golem_vpn.exeunit.runtimes.namespace import NamespaceRuntime


class Result(msgspec.Struct, frozen=True):
    """How a program ended and what it wrote."""

    code: int
    stdout: str
    stderr: str


class Activity(msgspec.Struct):
    """A started runtime."""

    runtime: NamespaceRuntime
    deployed: DeployResult
    device: TunDevice | None

    async def run(self, program: str, *args: str, **options: Any) -> Result:
        """Runs a program to its end."""
        written: dict[Stream, bytes] = dict.fromkeys(Stream, b"")

        def collect(stream: Stream, data: bytes) -> None:
            written[stream] += data

        code = await self.runtime.run(RunCommand(program=program, args=args, **options), collect)
        return Result(code, *(written[stream].decode() for stream in Stream))

    async def shell(self, script: str, **options: Any) -> Result:
        """Runs a shell script to its end."""
        return await self.run("sh", "-c", script, **options)

    async def output(self, script: str, **options: Any) -> str:
        """Runs a shell script that must succeed, and gives its standard output."""
        result = await self.shell(script, **options)
        assert result.code == 0, result
        return result.stdout

    async def until(self, script: str) -> None:
        """Runs a shell script again and again until it succeeds."""
        result = await self.shell(script)
        for _ in range(200):
            if result.code == 0:
                return
            await anyio.sleep(0.1)
            result = await self.shell(script)
        raise AssertionError(result)


@asynccontextmanager
async def activity(
    work_dir: Path, *, addresses: tuple[str, ...] = ("10.9.0.2/24",), **options: Any
) -> AsyncIterator[Activity]:
    """Deploys and starts a runtime, and stops it in the end."""
    networks = tuple(NetworkAddress("00" * 16, ip_interface(address)) for address in addresses)
    deployment = Deployment(activity_id="a1b2c3d4e5f6", work_dir=work_dir, networks=networks, **options)
    runtime = NamespaceRuntime()
    try:
        deployed = await runtime.deploy(deployment)
        yield Activity(runtime, deployed, await runtime.start())
    finally:
        await runtime.stop()
