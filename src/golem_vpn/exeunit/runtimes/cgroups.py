"""Limits for all payloads of an activity together, where this process may make control groups.

A group is made below the daemon's own, so that the limits which hold for the daemon hold for its payloads, too.
Not everything depends on them: a resource limit holds the number of processes of each user of a payload, and what else
the kernel can't limit here is looked after by `guard` and `processors`.
"""

import contextlib
import errno
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import anyio
import msgspec

from golem_vpn.exeunit.runtimes.base import Limits

_PREFIX = "golem-vpn-"
_DAEMON = f"{_PREFIX}daemon"
_PERIOD_MICROSECONDS = 100_000
_REMOVE_TRIES = 50
_OWN_PROCESSES = 2


class _Setting(msgspec.Struct, frozen=True):
    """A limit in the files of both generations of control groups."""

    controller: str
    first_generation: tuple[tuple[str, str], ...]
    second_generation: tuple[tuple[str, str], ...]


class ControlGroups:
    """The groups of one activity; none where the system has none for us."""

    def __init__(self, name: str, limits: Limits) -> None:
        self._directories: list[Path] = []
        self.unenforced: dict[str, str] = dict(self._make(f"{_PREFIX}{os.getpid()}-{name}", limits))
        """Which controllers are not to be had, and why."""

    def add(self, process_id: int) -> None:
        """Puts a process, and all that it will start, under the limits."""
        for directory in self._directories:
            (directory / "cgroup.procs").write_text(str(process_id))

    async def remove(self) -> None:
        """Removes the groups, whose processes have ended; the system may need a moment to notice."""
        for directory in self._directories:
            for _ in range(_REMOVE_TRIES):
                with contextlib.suppress(OSError):
                    directory.rmdir()
                if not directory.exists():
                    break
                await anyio.sleep(0.02)
        self._directories = []

    def _make(self, name: str, limits: Limits) -> Iterator[tuple[str, str]]:
        hierarchies = dict(_hierarchies())
        for setting in _settings(limits):
            try:
                self._apply(setting, name, hierarchies)
            except OSError as error:
                yield setting.controller, f"{error.strerror}: {error.filename or 'no such control group'}"

    def _apply(self, setting: _Setting, name: str, hierarchies: dict[str, Path]) -> None:
        is_first = setting.controller in hierarchies
        parent = hierarchies.get(setting.controller) or hierarchies.get("")
        if parent is None:
            raise FileNotFoundError(2, "this machine has no control groups")
        if not is_first and setting.controller not in (parent / "cgroup.controllers").read_text().split():
            raise FileNotFoundError(2, "the controller is not given to the daemon's control group", str(parent))
        directory = parent / name
        if directory not in self._directories:
            _remove_stale(parent)
            directory.mkdir()
            self._directories.append(directory)
        if not is_first:
            _hand_down(parent, setting.controller)
        for file, value in setting.first_generation if is_first else setting.second_generation:
            (directory / file).write_text(value)


def _settings(limits: Limits) -> Iterator[_Setting]:
    if limits.memory_bytes is not None:
        size = str(limits.memory_bytes)
        yield _Setting("memory", (("memory.limit_in_bytes", size),), (("memory.max", size),))
    if limits.cpu_cores is not None:
        quota = str(int(limits.cpu_cores * _PERIOD_MICROSECONDS))
        first = (("cpu.cfs_period_us", str(_PERIOD_MICROSECONDS)), ("cpu.cfs_quota_us", quota))
        yield _Setting("cpu", first, (("cpu.max", f"{quota} {_PERIOD_MICROSECONDS}"),))
    if limits.processes is not None:
        number = (("pids.max", str(limits.processes + _OWN_PROCESSES)),)
        yield _Setting("pids", number, number)


def _hand_down(group: Path, controller: str) -> None:
    """Lets the groups in a group of the second generation have a controller.

    The kernel allows it only where the group has no process of its own; so if the daemon is the only one, as in a
    service that systemd delegates a group to, it moves into one of those inside.
    """
    switch = group / "cgroup.subtree_control"
    try:
        switch.write_text(f"+{controller}")
    except OSError as error:
        if error.errno != errno.EBUSY or (group / "cgroup.procs").read_text().split() != [str(os.getpid())]:
            raise
        own = group / _DAEMON
        own.mkdir(exist_ok=True)
        (own / "cgroup.procs").write_text(str(os.getpid()))
        switch.write_text(f"+{controller}")


def _hierarchies() -> Iterator[tuple[str, Path]]:
    """Gives this process's group by controller; that of the second generation by the empty name."""
    mounts = dict(_mounts(Path("/proc/self/mountinfo").read_text().splitlines()))
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            if controller in mounts:
                group = mounts[controller] / path.lstrip("/")
                yield controller, group.parent if group.name == _DAEMON else group


def _mounts(lines: Iterable[str]) -> Iterator[tuple[str, Path]]:
    for line in lines:
        fields, _, rest = line.partition(" - ")
        kind, _, options = rest.split(maxsplit=2)
        if kind == "cgroup2":
            yield "", Path(fields.split()[4])
        elif kind == "cgroup":
            for option in options.split(","):
                yield option, Path(fields.split()[4])


def _remove_stale(parent: Path) -> None:
    """Removes the empty groups of daemons that were killed."""
    for directory in parent.glob(f"{_PREFIX}*"):
        match = re.match(rf"{_PREFIX}(\d+)-", directory.name)
        if match is not None and not Path("/proc", match[1]).exists():
            with contextlib.suppress(OSError):
                directory.rmdir()
