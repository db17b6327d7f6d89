"""What the ExeUnit asks of a runtime.

One object serves one activity. The order is `deploy`, `start`, any number of `run` (also at the same time), `stop`;
`stop` may come at any moment, more than once, and leaves nothing behind.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from ipaddress import IPv4Interface, IPv6Interface
from pathlib import Path
from typing import Protocol

import msgspec

Interface = IPv4Interface | IPv6Interface
"""An address with the prefix of its network."""


class Stream(StrEnum):
    """Where a payload wrote."""

    STDOUT = "stdout"
    STDERR = "stderr"


OutputHandler = Callable[[Stream, bytes], None]
"""Receives a payload's output as it comes, on the event loop."""


class NetworkAddress(msgspec.Struct, frozen=True):
    """One address of the activity in one network."""

    network_id: str
    address: Interface


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the payloads of one activity may use together; None is no limit of ours."""

    memory_bytes: int | None = None
    storage_bytes: int | None = None
    cpu_cores: float | None = None
    processes: int | None = 4096
    open_files: int | None = 65536
    """For each process by itself."""


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """A directory of the activity's own; it is there from `start` on, and stays until the activity ends."""

    path: str
    size_bytes: int | None = None
    in_memory: bool = False


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """What an activity asks for before it starts."""

    activity_id: str
    work_dir: Path
    """A directory of this activity alone; the runtime makes it if it is missing, the ExeUnit removes it."""
    task_package: Path | None = None
    """An unpacked root file system, or a tar archive of one; None shows the host's file system, read-only.

    It stays as it is, and may serve several activities at a time. The numbers of its files' owners are those inside; a
    daemon that can't give files away has them as its own, which are root's inside.
    """
    networks: tuple[NetworkAddress, ...] = ()
    volumes: tuple[Volume, ...] = ()
    hosts: tuple[tuple[str, str], ...] = ()
    """Pairs of name and IP address for the payload's `/etc/hosts`."""
    hostname: str | None = None
    env: tuple[tuple[str, str], ...] = ()
    limits: Limits = Limits()
    hidden: tuple[Path, ...] = ()
    """Host directories that no payload may see: keys, databases, the work of other activities."""


class DeployResult(msgspec.Struct, frozen=True):
    """What came of a deployment."""

    volumes: tuple[str, ...] = ()
    """Paths inside the payload's file system that stay writable for the whole activity."""
    unenforced: tuple[str, ...] = ()
    """Limits that this machine can't hold the payloads to, each with the reason."""


class TunDevice(msgspec.Struct, frozen=True):
    """The outer end of the payload's network interface.

    The descriptor stays the runtime's, which closes it in `stop`: the interface lives exactly as long.
    """

    fd: int
    name: str
    mtu: int


class RunCommand(msgspec.Struct, frozen=True, kw_only=True):
    """One program to run inside."""

    program: str
    """An absolute path, or a name to be found in the payload's `PATH`."""
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    """Added to the deployment's, over which it wins."""
    directory: str | None = None
    """Where the program starts; the first volume by default."""


class RuntimeUsage(msgspec.Struct, frozen=True):
    """What all payloads together have used so far; a later value is never less than an earlier one."""

    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    """The most at a time; so is `storage_bytes`."""
    storage_bytes: int = 0

    def followed_by(self, later: "RuntimeUsage") -> "RuntimeUsage":
        """Gives the usage of two deployments, one after the other."""
        return RuntimeUsage(
            self.cpu_seconds + later.cpu_seconds,
            max(self.memory_bytes, later.memory_bytes),
            max(self.storage_bytes, later.storage_bytes),
        )


class Check(msgspec.Struct, frozen=True):
    """One line of `golem-vpn doctor`: what a runtime needs of this machine."""

    name: str
    ok: bool
    cause: str = ""
    """What was found; also where all is well."""
    cure: str = ""
    """What the machine's owner can do, where it is not."""
    required: bool = True
    """Whether payloads can't run without it."""


class Runtime(Protocol):
    """Prepares, starts and ends the surroundings of one activity's payloads."""

    async def deploy(self, deployment: Deployment) -> DeployResult:
        """Checks the deployment and prepares the file system.

        Raises:
            InvalidInput: the deployment asks for something that can't be, such as a task package that is not there.
        """
        ...

    async def start(self, args: Sequence[str] = ()) -> TunDevice | None:
        """Makes the surroundings, in which nothing runs yet; gives no device where there is no network.

        Raises:
            RuntimeUnavailable: the machine lacks something; the message names cause and cure.
        """
        ...

    async def run(self, command: RunCommand, on_output: OutputHandler) -> int:
        """Runs a program to its end and gives its exit code, or 128 + the signal that ended it.

        A program that can't be started gives 126 or 127, and the reason on its standard error. Cancelling kills it.

        Raises:
            RuntimeEnded: the surroundings are gone, with all that ran in them.
        """
        ...

    async def put_file(self, source: Path, path: str) -> None:
        """Copies a file of this machine into the payload's file system, where it is whole then or as it was.

        Raises:
            InvalidInput: the payload's own programs couldn't write that.
            RuntimeEnded: the surroundings are gone.
        """
        ...

    async def take_file(self, path: str, target: Path) -> None:
        """Copies a file of the payload's file system to this machine.

        Raises:
            InvalidInput: the payload's own programs couldn't read that.
            RuntimeEnded: the surroundings are gone.
        """
        ...

    async def set_addresses(self, addresses: Sequence[Interface]) -> None:
        """Replaces the addresses of the payload's network interface, in which connections from kept ones go on."""
        ...

    async def supervise(self) -> str:
        """Holds the payloads to their limits until they have ended, by `stop` or by themselves, and says why they did.

        To be called once after `start`.
        """
        ...

    def usage(self) -> RuntimeUsage:
        """Gives what all payloads have used since `start`."""
        ...

    async def stop(self) -> None:
        """Ends every payload and gives back all that was taken."""
        ...
