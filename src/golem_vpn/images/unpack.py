"""From a tree to files of the host's.

Everything is made below a directory that nobody else can enter, each name once: no link is ever followed, and programs
that give away the rights of their owner do so to payloads alone. Devices, pipes and sockets are not in a tree; a
payload has the sandbox's own.
"""

import os
from contextlib import suppress
from pathlib import Path

from golem_vpn.errors import InvalidInput
from golem_vpn.images.progress import Meter
from golem_vpn.images.tree import Directory, File, Meta, Node, Tree

_MAX_ID = 65_535


def unpack(tree: Tree, directory: Path, meter: Meter, max_bytes: int) -> int:
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
                _finish(target, meta)
            case _:
                os.symlink(node.target, target)
                _own(target, node.meta)
    for target, meta in reversed(directories):
        _finish(target, meta)
    return total


def _size(nodes: list[tuple[bytes, Node]], max_bytes: int) -> int:
    files = {id(node): node.content.size for _, node in nodes if isinstance(node, File)}
    total = sum(files.values())
    if total > max_bytes:
        raise InvalidInput(f"the image unpacks to {total >> 20} MiB, {max_bytes >> 20} MiB are allowed")
    return total


def _finish(path: Path, meta: Meta) -> None:
    _own(path, meta)
    path.chmod(meta.mode)
    os.utime(path, (meta.mtime, meta.mtime))


def _own(path: Path, meta: Meta) -> None:
    """Gives a file the owner that it has in the image, where the daemon may do so."""
    if os.geteuid() == 0:
        user, group = (number if number <= _MAX_ID else 0 for number in (meta.uid, meta.gid))
        # A container may have few users only, and then all of an image is root's.
        with suppress(OSError):
            os.chown(path, user, group, follow_symlinks=False)
