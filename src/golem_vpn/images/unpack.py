"""From a tree to files of the host's.

Everything is made below a directory that nobody else writes to, each name once: no link is ever followed. Devices,
pipes and sockets are not in a tree; a payload has the sandbox's own.
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from golem_vpn.errors import InvalidInput
from golem_vpn.images.progress import Meter
from golem_vpn.images.tree import Directory, File, Meta, Node, Tree

Owner = Callable[[int, int], tuple[int, int] | None]
"""Says which user and group of the host's those of an image are; None leaves files the daemon's."""

_SET_ID = stat.S_ISUID | stat.S_ISGID


def unpack(tree: Tree, directory: Path, owner: Owner, meter: Meter, max_bytes: int) -> int:
    """Makes the files of a tree in a new directory, and tells how many bytes they have.

    Raises:
        InvalidInput: the tree is damaged, or has more bytes than it may.
    """
    nodes = list(tree.walk())
    total = _size(nodes, max_bytes)
    meter.begin(total)
    made: dict[int, Path] = {}
    directories: list[tuple[Path, Meta]] = []
    for path, node in nodes:
        target = directory / os.fsdecode(path) if path else directory
        match node:
            case Directory(meta):
                target.mkdir(mode=0o700)
                directories.append((target, meta))
            case File() if id(node) in made:
                os.link(made[id(node)], target, follow_symlinks=False)
            case File(meta, content):
                made[id(node)] = target
                with target.open("xb") as file:
                    for chunk in content.chunks():
                        file.write(chunk)
                        meter.advance(len(chunk))
                _finish(target, meta, owner)
            case _:
                os.symlink(node.target, target)
                _own(target, node.meta, owner)
    for target, meta in reversed(directories):
        _finish(target, meta, owner)
    return total


def _size(nodes: list[tuple[bytes, Node]], max_bytes: int) -> int:
    files = {id(node): node.content.size for _, node in nodes if isinstance(node, File)}
    total = sum(files.values())
    if total > max_bytes:
        raise InvalidInput(f"the image unpacks to {total >> 20} MiB, {max_bytes >> 20} MiB are allowed")
    return total


def _finish(path: Path, meta: Meta, owner: Owner) -> None:
    is_roots = _own(path, meta, owner) == 0
    # Of the host's root no program may come into being that gives away its rights.
    mode = meta.mode & ~_SET_ID if is_roots else meta.mode
    path.chmod(mode)
    os.utime(path, (meta.mtime, meta.mtime))


def _own(path: Path, meta: Meta, owner: Owner) -> int:
    """Gives a file its owner, and tells who that is."""
    wanted = owner(meta.uid, meta.gid)
    if wanted is None:
        return os.geteuid()
    os.chown(path, *wanted, follow_symlinks=False)
    return wanted[0]
