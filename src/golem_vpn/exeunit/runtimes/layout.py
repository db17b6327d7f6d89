"""Plans the file system that payloads without an image see.

It is the host's, read-only, minus what is none of a payload's business; a few directories and files are the
activity's own.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from golem_vpn.errors import InvalidInput
from golem_vpn.exeunit.runtimes.base import Deployment, Limits, Volume
from golem_vpn.exeunit.runtimes.messages import (
    Devices,
    EmptyRoot,
    Hide,
    Link,
    Processes,
    Root,
    Seal,
    Share,
    Show,
    Step,
    System,
    Tmpfs,
)
from golem_vpn.exeunit.runtimes.users import PAYLOAD_ID, PAYLOAD_NAME, PayloadUser

WORK = "/golem/work"
"""The payload's writable directory, where its programs start."""

VOLUMES = "volumes"
"""Where volumes are in the work directory."""

_HIDDEN = frozenset(("boot", "home", "lost+found", "media", "mnt", "root"))
_OWN = frozenset(("dev", "proc", "run", "sys", "tmp", "var"))
_VAR = ("cache", "lib", "log", "spool", "tmp")
_ETC = ("group", "hostname", "hosts", "passwd", "resolv.conf")
_TERMINAL_GROUP = "tty"
"""Where there is such a group, OpenSSH gives terminals to it, which an ordinary user may not, and ends if it can't."""
_RUN = Tmpfs("/run", f"size=64m,mode=0755,uid={PAYLOAD_ID},gid={PAYLOAD_ID}")
_TERMINALS = "newinstance,ptmxmode=0666,mode=0620"


class Layout(msgspec.Struct, frozen=True):
    """Where the root is mounted, what it is, and how the rest is put together."""

    mount_point: Path
    root: Root
    steps: tuple[Step, ...]


def show_host(deployment: Deployment, hostname: str, owner: PayloadUser) -> Layout:
    """Makes the directories and files that are the activity's own, and plans the rest."""
    work_dir = deployment.work_dir
    mount_point = work_dir / "root"
    mount_point.mkdir(exist_ok=True)
    writable = (directory(work_dir / "work", 0o755, owner), directory(work_dir / "tmp", 0o1777, owner))
    shares = tuple(Share(source, target) for source, target in zip(writable, (WORK, "/tmp"), strict=True))  # noqa: S108
    etc = work_dir / "etc"
    _write_etc(etc, deployment, hostname)
    kernel = (Processes(), System(), Devices(_TERMINALS, shared_memory(deployment.limits)), _RUN)
    steps = (*_show_host(Path("/")), *_own_etc(etc), *kernel, Share(_var(work_dir, owner), "/var"))
    covers = tuple(Hide(str(path)) for path in _private(deployment))
    volumes = volume_steps(deployment, owner)
    for volume in deployment.volumes:
        _check_free(volume.path)
    return Layout(mount_point, EmptyRoot("size=1m,mode=0755"), (*steps, *covers, *shares, *volumes, Seal()))


def volume_steps(deployment: Deployment, owner: PayloadUser) -> tuple[Step, ...]:
    """Makes the directories of volumes, and plans to mount them.

    Raises:
        InvalidInput: one would cover the directory where programs start.
    """
    for volume in deployment.volumes:
        if WORK.startswith(f"{volume.path}/"):
            raise InvalidInput(f"volumes: {volume.path} would cover {WORK}, where programs start")
    return tuple(_volume_step(deployment.work_dir, volume, owner) for volume in deployment.volumes)


def shared_memory(limits: Limits) -> str:
    """Gives the options of `/dev/shm`, which is in memory that no process seems to have."""
    return "mode=1777" if limits.memory_bytes is None else f"mode=1777,size={limits.memory_bytes // 2}"


def directory(path: Path, mode: int, owner: PayloadUser) -> Path:
    """Makes a directory of the payload's."""
    path.mkdir(exist_ok=True)
    path.chmod(mode)
    owner.own(path)
    return path


def _volume_step(work_dir: Path, volume: Volume, owner: PayloadUser) -> Step:
    if volume.in_memory:
        return Tmpfs(volume.path, f"size={volume.size_bytes},mode=0755,uid={owner.inside},gid={owner.inside}")
    (work_dir / VOLUMES).mkdir(mode=0o755, exist_ok=True)
    # Named after its path, so that what is deployed anew finds what was there.
    name = hashlib.sha256(volume.path.encode()).hexdigest()[:16]
    return Share(directory(work_dir / VOLUMES / name, 0o755, owner), volume.path)


def _check_free(path: str) -> None:
    """Refuses a volume in a directory of the host's, where nothing can be made."""
    top = Path(path).parts[1]
    if top not in _OWN | _HIDDEN and os.path.lexists(f"/{top}"):
        raise InvalidInput(f"volumes: {path} is in /{top}, which is the provider's; take one below /golem")


def _var(work_dir: Path, owner: PayloadUser) -> Path:
    var = directory(work_dir / "var", 0o755, owner)
    for name in _VAR:
        directory(var / name, 0o755, owner)
    if not (var / "run").is_symlink():
        (var / "run").symlink_to("/run")
    return var


def _show_host(root: Path) -> Iterator[Step]:
    """Shows the host's directories, but for those of which the daemon itself sees nothing, such as others' mounts."""
    for entry in sorted(os.scandir(root), key=lambda entry: entry.name):
        if entry.name in _HIDDEN or entry.name in _OWN:
            continue
        if entry.is_symlink():
            yield Link(f"/{entry.name}", os.readlink(entry.path))
        elif entry.is_dir() and os.access(entry.path, os.X_OK):
            yield Show(Path(entry.path), f"/{entry.name}")


def _own_etc(etc: Path) -> Iterator[Step]:
    """Covers the host's files, where it has them; `resolv.conf` is often a link to what is not shown at all."""
    for name in _ETC:
        resolved = Path("/etc", name).resolve()
        if resolved.is_file() and resolved.parts[1] not in _HIDDEN | _OWN:
            yield Show(etc / name, str(resolved))


def _private(deployment: Deployment) -> Iterator[Path]:
    """Names what must be covered in the directories that are shown: the daemon's, the user's, and the host's sockets.

    A socket can be connected to although its file system is read-only.
    """
    resolved = (path.resolve() for path in (*deployment.hidden, deployment.work_dir, *_home()))
    directories = [path for path in resolved if _is_shown(path)]
    yield from directories
    for socket in _unix_sockets():
        if _is_shown(socket) and not any(socket.is_relative_to(directory) for directory in directories):
            yield socket


def _home() -> Iterator[Path]:
    """Gives the home of the daemon's user; those of system users are often directories that all programs need."""
    home = Path(os.path.expanduser("~"))
    if home.is_dir() and home.stat().st_uid == os.geteuid() != 0:
        yield home


def _is_shown(path: Path) -> bool:
    return len(path.parts) > 1 and path.parts[1] not in _HIDDEN | _OWN


def _unix_sockets() -> Iterable[Path]:
    """Gives the sockets of the host that have a name in the file system."""
    columns = (line.split(maxsplit=7) for line in Path("/proc/net/unix").read_text(errors="replace").splitlines()[1:])
    names = {fields[7] for fields in columns if len(fields) == 8}
    return sorted(Path(name).resolve() for name in names if name.startswith("/"))


def _write_etc(etc: Path, deployment: Deployment, hostname: str) -> None:
    write_names(etc, deployment, hostname)
    user = f"{PAYLOAD_NAME}:x:{PAYLOAD_ID}:{PAYLOAD_ID}:payload:{WORK}:/bin/sh"
    (etc / "passwd").write_text(_with_entry(Path("/etc/passwd"), user, "root:x:0:0:root:/root:/bin/sh"))
    group = f"{PAYLOAD_NAME}:x:{PAYLOAD_ID}:"
    (etc / "group").write_text(_with_entry(Path("/etc/group"), group, "root:x:0:", without=_TERMINAL_GROUP))


def write_names(etc: Path, deployment: Deployment, hostname: str) -> None:
    """Writes the files that name the payload's machine and others.

    Raises:
        InvalidInput: a name is none.
    """
    etc.mkdir(exist_ok=True)
    (etc / "hostname").write_text(f"{hostname}\n")
    (etc / "hosts").write_text(_hosts(deployment, hostname))
    (etc / "resolv.conf").write_text("")


def _with_entry(base: Path, own: str, fallback: str, without: str = "") -> str:
    """Adds the payload's user or group to those of the base, in place of one with its number or name."""
    lines = base.read_text(errors="replace").splitlines() if base.is_file() else [fallback]
    entries = [(line.split(":"), line) for line in lines]
    kept = [
        line
        for fields, line in entries
        if fields[0] not in (PAYLOAD_NAME, without) and fields[2:3] != [str(PAYLOAD_ID)]
    ]
    return "\n".join((*kept, own, ""))


def _hosts(deployment: Deployment, hostname: str) -> str:
    own = str(deployment.networks[0].address.ip) if deployment.networks else "127.0.1.1"
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost", f"{own} {hostname}"]
    for name, address in deployment.hosts:
        if not name or any(character.isspace() or character == "#" for character in name):
            raise InvalidInput(f"hosts: {name!r} is not a name")
        lines.append(f"{address} {name}")
    return "\n".join((*lines, ""))
