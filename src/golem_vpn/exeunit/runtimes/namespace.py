"""The reference runtime: payloads as ordinary processes in namespaces of their own, without any privilege."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import anyio
import structlog

from golem_vpn.errors import InvalidInput, RuntimeEnded, RuntimeUnavailable
from golem_vpn.exeunit.runtimes.base import (
    Deployment,
    DeployResult,
    Interface,
    OutputHandler,
    RunCommand,
    RuntimeUsage,
    TunDevice,
)
from golem_vpn.exeunit.runtimes.cgroups import ControlGroups
from golem_vpn.exeunit.runtimes.cures import explain
from golem_vpn.exeunit.runtimes.door import Door
from golem_vpn.exeunit.runtimes.guard import Guard, Measured
from golem_vpn.exeunit.runtimes.holder import Holder, SetupFailed
from golem_vpn.exeunit.runtimes.image import copy_image, layer_image
from golem_vpn.exeunit.runtimes.layout import VOLUMES, WORK, Layout, show_host
from golem_vpn.exeunit.runtimes.messages import Device, Setup, Standing
from golem_vpn.exeunit.runtimes.package import check_package, unpack
from golem_vpn.exeunit.runtimes.processors import hold_to_processors
from golem_vpn.exeunit.runtimes.usage import cpu_seconds_below
from golem_vpn.exeunit.runtimes.users import PAYLOAD_NAME, PayloadUser, guest, image_root
from golem_vpn.trees import remove_tree
from golem_vpn.tun_device import tun_device_node

INTERFACE = "vpn0"
DEFAULT_MTU = 1420
_PACKAGE = "package"
_MADE = ("etc", "layer", "root", "scratch", "tmp", "upper", "var", "whole", _PACKAGE)
"""What is in the work directory besides the payload's own work."""
_WRITTEN = ("tmp", "upper", "var", "whole", "work", VOLUMES)
"""What of it payloads write to."""
_INTERVAL = 0.5
"""Seconds between two looks at the payloads."""
_UNLIMITED = 2**31 - 1
_UNLIMITED_SIZE = 2**64 - 1
_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "SHELL": "/bin/sh",
    "LANG": "C.UTF-8",
}
_OF_GUEST = {"HOME": WORK, "USER": PAYLOAD_NAME, "LOGNAME": PAYLOAD_NAME}
_OF_ROOT = {"HOME": "/root", "USER": "root", "LOGNAME": "root"}

log = structlog.get_logger()


class NamespaceRuntime:
    """Runs the payloads of one activity."""

    def __init__(self, mtu: int = DEFAULT_MTU) -> None:
        self._mtu = mtu
        self._user: PayloadUser = guest()
        self._deployment: Deployment | None = None
        self._layout: Layout | None = None
        self._hostname = ""
        self._groups: ControlGroups | None = None
        self._holder: Holder | None = None
        self._guard: Guard | None = None
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
            self._user = image_root()
        deployment.work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._deployment = deployment
        self._layout = await anyio.to_thread.run_sync(self._prepare, deployment)
        self._groups = ControlGroups(deployment.activity_id, deployment.limits)
        volumes = (WORK, *(volume.path for volume in deployment.volumes))
        return DeployResult(volumes=volumes, unenforced=self._unenforced(deployment, self._groups))

    async def start(self, args: Sequence[str] = ()) -> TunDevice | None:
        """Makes the namespaces; there is nothing that arguments could change."""
        if args:
            raise InvalidInput("start: this runtime takes no arguments")
        if self._deployment is None or self._layout is None or self._groups is None:
            raise InvalidInput("start: nothing is deployed")
        if self._holder is not None:
            raise InvalidInput("start: the activity has started already")
        try:
            descriptor = await self._set_up(self._deployment, self._layout, self._groups)
        except SetupFailed as error:
            raise RuntimeUnavailable(explain(error.failure, tun_device_node())) from error
        await self._begin_to_guard(self._deployment)
        if descriptor is not None:
            self._device = TunDevice(descriptor, INTERFACE, self._mtu)
        return self._device

    async def run(self, command: RunCommand, on_output: OutputHandler) -> int:
        """Runs a program with the environment of the deployment and of the command."""
        holder, deployment = self._holder, self._deployment
        if holder is None or deployment is None:
            raise RuntimeEnded("nothing is running")
        user = _OF_GUEST if deployment.task_package is None else _OF_ROOT
        environment = _ENVIRONMENT | user | {"HOSTNAME": self._hostname} | dict(deployment.env) | dict(command.env)
        directory = command.directory or WORK
        return await holder.run(command.program, command.args, tuple(environment.items()), directory, on_output)

    async def put_file(self, source: Path, path: str) -> None:
        """Copies a file in, as the payload's user."""
        await self._door.put(source, path)

    async def take_file(self, path: str, target: Path) -> None:
        """Copies a file out, as the payload's user."""
        await self._door.take(path, target)

    async def set_addresses(self, addresses: Sequence[Interface]) -> None:
        """Replaces the addresses of the interface."""
        if self._holder is None or self._device is None:
            raise InvalidInput("the activity has no network interface")
        await self._holder.set_addresses(addresses)

    async def supervise(self) -> str:
        """Looks at the payloads from time to time, and ends them when they break a limit."""
        holder, guard = self._holder, self._guard
        if holder is None or guard is None:
            return "nothing is running"
        while True:
            with anyio.move_on_after(_INTERVAL):
                return await holder.ended()
            complaint = await anyio.to_thread.run_sync(guard.look)
            if complaint is not None:
                await holder.close(complaint)

    def usage(self) -> RuntimeUsage:
        """Asks the kernel, which forgets what was not waited for; so the highest value ever seen counts."""
        if self._holder is not None:
            self._cpu_seconds = max(self._cpu_seconds, cpu_seconds_below(self._holder.process_id))
        most = Measured() if self._guard is None else self._guard.most
        return RuntimeUsage(self._cpu_seconds, most.memory, most.storage)

    async def stop(self) -> None:
        """Ends all processes, then removes what was made for them."""
        with anyio.CancelScope(shield=True):
            async with self._stopping:
                self.usage()
                if self._holder is not None:
                    await self._holder.close()
                    self._holder = self._device = None
                if self._groups is not None:
                    await self._groups.remove()
                    self._groups = None
                if self._deployment is not None:
                    for name in _MADE:
                        await remove_tree(self._deployment.work_dir / name)
                    self._deployment = None

    @property
    def _door(self) -> Door:
        holder = self._holder
        if holder is None:
            raise RuntimeEnded("nothing is running")
        return Door(lambda: holder.spaces, self._user.inside)

    def _prepare(self, deployment: Deployment) -> Layout:
        image = deployment.task_package
        if image is None:
            return show_host(deployment, self._hostname, self._user)
        if not image.is_dir():
            archive, image = image, deployment.work_dir / _PACKAGE
            shutil.rmtree(image, ignore_errors=True)
            image.mkdir()
            unpack(archive, image)
        return layer_image(deployment, self._hostname, image, self._user)

    def _unenforced(self, deployment: Deployment, groups: ControlGroups) -> tuple[str, ...]:
        """Names what holds nobody here: one user's processes are limited without a group, those of many are not."""
        sized = [volume.path for volume in deployment.volumes if volume.size_bytes and not volume.in_memory]
        told = [f"size of the volume {path} alone: the activity has one limit of storage" for path in sized]
        if "pids" in groups.unenforced and self._user.users.standing is Standing.ROOT:
            told.append(f"processes of all users together: {groups.unenforced['pids']}")
        return tuple(told)

    async def _set_up(self, deployment: Deployment, layout: Layout, groups: ControlGroups) -> int | None:
        try:
            return await self._begin(deployment, layout, groups)
        except SetupFailed as error:
            if error.failure.part != "layers":
                raise
            log.info("an image is copied for its activity", activity_id=deployment.activity_id, cause=error.message)
        copied = await anyio.to_thread.run_sync(copy_image, deployment, layout, self._user)
        return await self._begin(deployment, copied, groups)

    async def _begin(self, deployment: Deployment, layout: Layout, groups: ControlGroups) -> int | None:
        if self._holder is not None:
            await self._holder.close()
        self._holder = Holder()
        groups.add(self._holder.process_id)
        if deployment.limits.cpu_cores is not None and "cpu" in groups.unenforced:
            hold_to_processors(self._holder.process_id, deployment.limits.cpu_cores)
        return await self._holder.set_up(self._setup(deployment, layout))

    async def _begin_to_guard(self, deployment: Deployment) -> None:
        if self._holder is not None:
            directories = [deployment.work_dir / name for name in _WRITTEN]
            process_id, limits = self._holder.process_id, deployment.limits
            self._guard = await anyio.to_thread.run_sync(Guard, process_id, directories, limits)

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
            file_size=limits.storage_bytes or _UNLIMITED_SIZE,
        )
