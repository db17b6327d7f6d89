"""Plans the file system of payloads that bring their own: an image.

It is the image's directory under a layer that takes all changes. What the activity adds, such as the names of other
machines, lies between the two. Owners of the image's files have the numbers that they have inside.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from golem_vpn.exeunit.runtimes.base import Deployment
from golem_vpn.exeunit.runtimes.layout import WORK, Layout, directory, shared_memory, volume_steps, write_names
from golem_vpn.exeunit.runtimes.messages import (
    Devices,
    DirectoryRoot,
    LayeredRoot,
    Processes,
    Share,
    Standing,
    Step,
    System,
)
from golem_vpn.exeunit.runtimes.users import PayloadUser

_COVERED = ("dev", "proc", "sys", "mnt", WORK[1:])
"""Where something is mounted, which must never meet a link in somebody's image."""
_NEEDED = (("root", 0o700), ("run", 0o755), ("tmp", 0o1777), ("var", 0o755), ("etc", 0o755))
_TERMINALS = "newinstance,ptmxmode=0666,mode=0620"
_TERMINAL_GROUP = 5
"""The number of the group `tty` in all distributions; servers insist that terminals are its."""
_MOST_AT_ONCE = 1 << 30
_USERS = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
_GROUPS = f"root:x:0:\ntty:x:{_TERMINAL_GROUP}:\nnogroup:x:65534:\n"


def layer_image(deployment: Deployment, hostname: str, image: Path, owner: PayloadUser) -> Layout:
    """Makes the activity's own layers, and plans to mount the image between them."""
    work_dir = deployment.work_dir
    owner.own(work_dir)
    layer = _layer(work_dir / "layer", image, deployment, hostname, owner)
    upper, scratch = (directory(work_dir / name, 0o755, owner) for name in ("upper", "scratch"))
    root = LayeredRoot((layer, image), upper, scratch, translated=owner.is_another)
    return Layout(_mount_point(work_dir), root, _steps(deployment, owner))


def copy_image(deployment: Deployment, layered: Layout, owner: PayloadUser) -> Layout:
    """Copies the layers of a plan into one directory, for machines that can't lay them over each other."""
    work_dir = deployment.work_dir
    whole = directory(work_dir / "whole", 0o755, owner)
    if isinstance(layered.root, LayeredRoot):
        for layer in reversed(layered.root.lower):
            _copy(layer, whole, owner)
    return Layout(layered.mount_point, DirectoryRoot(whole), layered.steps)


def _mount_point(work_dir: Path) -> Path:
    mount_point = work_dir / "root"
    mount_point.mkdir(exist_ok=True)
    return mount_point


def _steps(deployment: Deployment, owner: PayloadUser) -> tuple[Step, ...]:
    group = f",gid={_TERMINAL_GROUP}" if owner.users.standing is Standing.ROOT else ""
    work = directory(deployment.work_dir / "work", 0o755, owner)
    devices = Devices(_TERMINALS + group, shared_memory(deployment.limits))
    return (Processes(), System(), devices, Share(work, WORK), *volume_steps(deployment, owner))


def _layer(layer: Path, image: Path, deployment: Deployment, hostname: str, owner: PayloadUser) -> Path:
    for name in _COVERED:
        (layer / name).mkdir(parents=True, exist_ok=True)
    for name, mode in _NEEDED:
        # A directory here has the mode and the owner of this one, also if the image has it, too.
        if name in ("etc", "tmp") or not os.path.lexists(image / name):
            (layer / name).mkdir(exist_ok=True)
            (layer / name).chmod(mode)
    write_names(layer / "etc", deployment, hostname)
    _write_users(layer / "etc", image / "etc", owner)
    return layer


def _write_users(etc: Path, base: Path, owner: PayloadUser) -> None:
    """Adds files that the image lacks; where root is the only user, all names in the image's are its."""
    users = _read(base, "passwd")
    if users is None or owner.users.standing is Standing.ONLY_ROOT:
        (etc / "passwd").write_text("".join(map(_as_root, (users or _USERS).splitlines(keepends=True))))
    if _read(base, "group") is None:
        (etc / "group").write_text(_GROUPS)


def _as_root(line: str) -> str:
    fields = line.split(":")
    return ":".join((*fields[:2], "0", "0", *fields[4:])) if len(fields) == 7 else line


def _read(directory: Path, name: str) -> str | None:
    """Reads a file of an image's; none if it is missing, or a link that could mean one of the host's."""
    path = directory / name
    if directory.is_symlink() or path.is_symlink() or not path.is_file():
        return None
    return path.read_text(errors="surrogateescape")


def _copy(source: Path, target: Path, owner: PayloadUser) -> None:
    """Copies a directory into another one; blocks are shared with the source where the file system can do that."""
    for entry, copied in _pairs(source, target):
        found = entry.lstat()
        if stat.S_ISDIR(found.st_mode):
            if copied.is_symlink() or copied.is_file():
                copied.unlink()
            copied.mkdir(exist_ok=True)
        else:
            copied.unlink(missing_ok=True)
            if stat.S_ISLNK(found.st_mode):
                copied.symlink_to(os.readlink(entry))
            elif stat.S_ISREG(found.st_mode):
                _copy_data(entry, copied)
            else:
                continue
        owner.give(copied, found.st_uid, found.st_gid)
        if not stat.S_ISLNK(found.st_mode):
            copied.chmod(stat.S_IMODE(found.st_mode))


def _copy_data(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("xb") as writer:
        try:
            while os.copy_file_range(reader.fileno(), writer.fileno(), _MOST_AT_ONCE):
                pass
        except OSError:
            # Not between these file systems; what was copied already is where it should be.
            shutil.copyfileobj(reader, writer)


def _pairs(source: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    for parent, directories, files in os.walk(source):
        for name in (*directories, *files):
            entry = Path(parent, name)
            yield entry, target / entry.relative_to(source)
