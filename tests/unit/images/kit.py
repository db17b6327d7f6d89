"""Trees to pack and unpack."""

import os
import stat
from pathlib import Path

from golem_vpn.images.progress import Meter, Step, silently
from golem_vpn.images.tree import Bytes, Directory, File, Meta, Symlink, Tree
from golem_vpn.images.unpack import unpack

LARGE = os.urandom(300_000) + bytes(200_000) + b"end"


def sample() -> Tree:
    """A tree with everything that there can be."""
    tree = Tree(Directory(Meta(0o755, mtime=1_700_000_000)))
    tree.put(b"bin", Symlink(Meta(0o777), b"usr/bin"))
    tree.put(b"usr/bin", Directory(Meta(0o755)))
    shell = File(Meta(0o755, mtime=1_600_000_000), Bytes(LARGE))
    tree.put(b"/bin/sh", shell)
    tree.put(b"usr/bin/bash", shell)
    tree.put(b"etc/empty", File(Meta(0o600), Bytes(b"")))
    tree.put(b"etc/small", File(Meta(0o644), Bytes(b"small\n")))
    tree.put(b"etc/block", File(Meta(0o444), Bytes(LARGE[: 1 << 17])))
    tree.put(b"tmp", Directory(Meta(0o1777)))
    tree.put(b"locked", Directory(Meta(0o555)))
    tree.put(b"locked/file", File(Meta(0o400), Bytes(b"x")))
    tree.put("größe".encode(), File(Meta(0o644), Bytes(b"name\n")))
    for number in range(600):
        tree.put(f"many/{number:04}".encode(), File(Meta(0o644), Bytes(str(number).encode())))
    return tree


def contents(tree: Tree) -> dict[str, object]:
    """What can be compared of a tree."""
    found: dict[str, object] = {}
    for path, node in tree.walk():
        meta = (node.meta.mode, node.meta.uid, node.meta.gid, node.meta.mtime)
        match node:
            case File(_, content):
                found[os.fsdecode(path)] = (meta, b"".join(content.chunks()))
            case Symlink(_, target):
                found[os.fsdecode(path)] = (meta, target)
            case Directory():
                found[os.fsdecode(path)] = meta
    return found


def unpacked(tree: Tree, directory: Path, max_bytes: int = 1 << 30) -> int:
    """Unpacks as the daemon's own user."""
    return unpack(tree, directory, Meter(Step.UNPACK, silently), max_bytes)


def mode(path: Path) -> int:
    """The permissions of a file."""
    return stat.S_IMODE(path.lstat().st_mode)
