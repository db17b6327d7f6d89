"""One deployment of an activity: its runtime, and its device in the data plane."""

from pathlib import Path

import anyio

from golem_vpn.errors import RuntimeUnavailable
from golem_vpn.exeunit.networks import Networks
from golem_vpn.exeunit.runtimes.base import (
    Deployment,
    DeployResult,
    OutputHandler,
    RunCommand,
    Runtime,
    RuntimeUsage,
)


class Payload:
    """Brings up, and takes down, what the payload's programs run in."""

    def __init__(self, runtime: Runtime, networks: Networks, requestor: str) -> None:
        self._runtime = runtime
        self._networks = networks
        self._requestor = requestor
        self._deployment: Deployment | None = None
        self._device: int | None = None

    async def deploy(self, deployment: Deployment) -> DeployResult:
        """Has the runtime prepare the payload's place."""
        self._deployment = deployment
        return await self._runtime.deploy(deployment)

    async def start(self, args: tuple[str, ...]) -> None:
        """Starts the runtime and connects its interface with the networks of the deployment.

        Raises:
            Forbidden: a network is not the requestor's.
            InvalidInput: a network does not have this node at that address.
            PeerUnreachable: the owner cannot be asked about a network.
            RuntimeUnavailable: the runtime cannot start, or has no interface.
        """
        device = await self._runtime.start(args)
        addresses = () if self._deployment is None else self._deployment.networks
        if not addresses:
            return
        if device is None:
            raise RuntimeUnavailable("this runtime cannot join networks")
        self._device = await self._networks.join(self._requestor, device, addresses)

    async def run(self, command: RunCommand, on_output: OutputHandler) -> int:
        """Runs a program to its end and gives its exit code."""
        return await self._runtime.run(command, on_output)

    async def put_file(self, source: Path, path: str) -> None:
        """Copies a file into the payload's file system."""
        await self._runtime.put_file(source, path)

    async def take_file(self, path: str, target: Path) -> None:
        """Copies a file out of the payload's file system."""
        await self._runtime.take_file(path, target)

    async def supervise(self) -> str:
        """Holds the programs to their limits until they have ended, and says why they did."""
        return await self._runtime.supervise()

    def usage(self) -> RuntimeUsage:
        """Gives what all programs have used so far."""
        return self._runtime.usage()

    async def stop(self) -> None:
        """Leaves the networks and ends every program, also when the caller is being cancelled."""
        with anyio.CancelScope(shield=True):
            device, self._device = self._device, None
            if device is not None:
                self._networks.leave(device)
            await self._runtime.stop()
