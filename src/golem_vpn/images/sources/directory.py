"""A directory of this machine as a tree."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from golem_vpn.errors import InvalidInput
from golem_vpn.images.tree import Directory, File, Meta, Node, Slice, Symlink, Tree


def read_directory(directory: Path) -> Tree:
    """Reads a directory with all in it, but for devices, pipes and sockets.

    Raises:
        InvalidInput: it is no directory, or not all of it can be read.
    """
    root = node_of(directory)
    if not isinstance(root, Directory):
        raise InvalidInput(f"{directory} is no directory")
    tree = Tree(root)
    add_directory(tree, directory, b"")
    return tree


def add_directory(
    tree: Tree, directory: Path, target: bytes, *, wanted: Callable[[Path], bool] = lambda _path: True
) -> None:
    """Puts all that is in a directory below a path of the tree; `wanted` says what is not left out.

    Raises:
        InvalidInput: not all of it can be read.
    """
    linked: dict[tuple[int, int], Node] = {}
    for entry in _entries(directory, wanted):
        status = entry.stat(follow_symlinks=False)
        path = Path(entry.path)
        key = (status.st_dev, status.st_ino)
        node = linked.get(key) or node_of(path)
        if node is None:
            continue
        if status.st_nlink > 1 and isinstance(node, File):
            linked[key] = node
        tree.put(target + b"/" + os.fsencode(path.relative_to(directory)), node)


def node_of(path: Path) -> Node | None:
    """Reads what is at a path, a directory without what is in it; None for devices, pipes and sockets.

    Raises:
        InvalidInput: it can't be read.
    """
    try:
        status = path.lstat()
        meta = _meta(status)
        if stat.S_ISDIR(status.st_mode):
            return Directory(meta)
        if stat.S_ISLNK(status.st_mode):
            return Symlink(meta, os.fsencode(os.readlink(path)))
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        return None
    if not os.access(path, os.R_OK):
        raise InvalidInput(f"{path}: not readable by this user")
    return File(meta, Slice(path, 0, status.st_size))


def _meta(status: os.stat_result) -> Meta:
    # Who builds an image means its root by himself.
    user = 0 if status.st_uid == os.geteuid() else status.st_uid
    group = 0 if status.st_gid == os.getegid() else status.st_gid
    return Meta(stat.S_IMODE(status.st_mode), user, group, int(status.st_mtime))


def _entries(directory: Path, wanted: Callable[[Path], bool]) -> Iterator["os.DirEntry[str]"]:
    stack = [directory]
    while stack:
        try:
            entries = sorted(os.scandir(stack.pop()), key=lambda entry: entry.name)
        except OSError as error:
            raise InvalidInput(f"{error.filename}: {error.strerror}") from error
        for entry in entries:
            if wanted(Path(entry.path)):
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    stack.append(Path(entry.path))
