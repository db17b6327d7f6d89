"""The reference runtime: payloads as ordinary processes in namespaces of their own, without any privilege."""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import anyio

from golem_vpn.errors import InvalidInput, RuntimeEnded, RuntimeUnavailable
from golem_vpn.exeunit.runtimes.base import (
    Deployment,
    DeployResult,
    Interface,
    OutputHandler,
    RunCommand,
    TunDevice,
)
from golem_vpn.exeunit.runtimes.cgroups import ControlGroups
from golem_vpn.exeunit.runtimes.cures import explain
from golem_vpn.exeunit.runtimes.holder import Holder, SetupFailed
from golem_vpn.exeunit.runtimes.layout import MADE, WORK, Layout, prepare_layout
from golem_vpn.exeunit.runtimes.messages import Device, Setup
from golem_vpn.exeunit.runtimes.package import check_package, unpack
from golem_vpn.exeunit.runtimes.usage import cpu_seconds_below
from golem_vpn.exeunit.runtimes.users import PAYLOAD_NAME, payload_user
from golem_vpn.exeunit.workdir import remove_tree

INTERFACE = "vpn0"
DEFAULT_MTU = 1420
_PACKAGE = "package"
_UNLIMITED = 2**31 - 1
_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": WORK,
    "USER": PAYLOAD_NAME,
    "LOGNAME": PAYLOAD_NAME,
    "SHELL": "/bin/sh",
    "LANG": "C.UTF-8",
}


def tun_device_node() -> Path:
    """Gives the host's TUN device node, `/dev/net/tun` unless `GOLEM_VPN_TUN_DEVICE` names another one."""
    return Path(os.environ.get("GOLEM_VPN_TUN_DEVICE") or "/dev/net/tun")


class NamespaceRuntime:
    """Runs the payloads of one activity."""

    def __init__(self, mtu: int = DEFAULT_MTU) -> None:
        self._mtu = mtu
        self._user = payload_user()
        self._deployment: Deployment | None = None
        self._layout: Layout | None = None
        self._hostname = ""
        self._groups: ControlGroups | None = None
        self._holder: Holder | None = None
        self._device: TunDevice | None = None
        self._cpu_seconds = 0.0
        self._stopping = anyio.Lock()

    async def deploy(self, deployment: Deployment) -> DeployResult:
        """Prepares the work directory, and unpacks the task package if it is an archive."""
        self._hostname = deployment.hostname or f"activity-{deployment.activity_id[:8]}"
        if not _HOSTNAME.fullmatch(self._hostname):
            raise InvalidInput(f"hostname: {self._hostname!r} is not a host name")
        if deployment.task_package is not None:
            check_package(deployment.task_package)
        deployment.work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._deployment = deployment
        self._layout = await anyio.to_thread.run_sync(self._prepare, deployment)
        self._groups = ControlGroups(deployment.activity_id, deployment.limits)
        return DeployResult(volumes=(WORK,), unenforced=self._groups.unenforced)

    async def start(self, args: Sequence[str] = ()) -> TunDevice | None:
        """Makes the namespaces; there is nothing that arguments could change."""
        if args:
            raise InvalidInput("start: this runtime takes no arguments")
        if self._deployment is None or self._layout is None or self._groups is None:
            raise InvalidInput("start: nothing is deployed")
        if self._holder is not None:
            raise InvalidInput("start: the activity has started already")
        self._holder = Holder()
        try:
            self._groups.add(self._holder.process_id)
            descriptor = await self._holder.set_up(self._setup(self._deployment, self._layout))
        except SetupFailed as error:
            raise RuntimeUnavailable(explain(error.failure, tun_device_node())) from error
        if descriptor is not None:
            self._device = TunDevice(descriptor, INTERFACE, self._mtu)
        return self._device

    async def run(self, command: RunCommand, on_output: OutputHandler) -> int:
        """Runs a program with the environment of the deployment and of the command."""
        holder, deployment = self._holder, self._deployment
        if holder is None or deployment is None:
            raise RuntimeEnded("nothing is running")
        environment = _ENVIRONMENT | {"HOSTNAME": self._hostname} | dict(deployment.env) | dict(command.env)
        directory = command.directory or WORK
        return await holder.run(command.program, command.args, tuple(environment.items()), directory, on_output)

    async def set_addresses(self, addresses: Sequence[Interface]) -> None:
        """Replaces the addresses of the interface."""
        if self._holder is None or self._device is None:
            raise InvalidInput("the activity has no network interface")
        await self._holder.set_addresses(addresses)

    def cpu_seconds(self) -> float:
        """Asks the kernel, which forgets what was not waited for; so the highest value ever seen counts."""
        if self._holder is not None:
            self._cpu_seconds = max(self._cpu_seconds, cpu_seconds_below(self._holder.process_id))
        return self._cpu_seconds

    async def stop(self) -> None:
        """Ends all processes, then removes what was made for them."""
        with anyio.CancelScope(shield=True):
            async with self._stopping:
                self.cpu_seconds()
                if self._holder is not None:
                    await self._holder.close()
                    self._holder = self._device = None
                if self._groups is not None:
                    await self._groups.remove()
                    self._groups = None
                if self._deployment is not None:
                    for name in (*MADE, _PACKAGE):
                        await remove_tree(self._deployment.work_dir / name)
                    self._deployment = None

    def _prepare(self, deployment: Deployment) -> Layout:
        package = archive = deployment.task_package
        if archive is not None and not archive.is_dir():
            package = deployment.work_dir / _PACKAGE
            shutil.rmtree(package, ignore_errors=True)
            package.mkdir()
            unpack(archive, package, self._user)
        return prepare_layout(deployment, self._hostname, package, self._user)

    def _setup(self, deployment: Deployment, layout: Layout) -> Setup:
        addresses = tuple(network.address for network in deployment.networks)
        device = Device(tun_device_node(), INTERFACE, self._mtu, addresses) if addresses else None
        limits = deployment.limits
        return Setup(
            users=self._user.users,
            hostname=self._hostname,
            device=device,
            mount_point=layout.mount_point,
            root=layout.root,
            steps=layout.steps,
            open_files=limits.open_files or _UNLIMITED,
            processes=limits.processes or _UNLIMITED,
        )
