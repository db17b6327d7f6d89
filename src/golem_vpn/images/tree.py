"""A file system in memory, but for the contents of its files: what every source gives and every target takes.

A name is unique in its directory, and nothing is ever looked up through the host's links; so whatever an image holds,
what is made of its tree stays inside.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from golem_vpn.errors import InvalidInput

CHUNK = 1 << 20
MAX_NODES = 500_000
MAX_DEPTH = 256
MAX_NAME_BYTES = 255
MAX_TARGET_BYTES = 4095
_MAX_LINKS_FOLLOWED = 40


class Content(Protocol):
    """The bytes of a file."""

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """Gives them piece by piece.

        Raises:
            InvalidInput: what they are read from is damaged.
        """
        ...


@dataclass(frozen=True, slots=True)
class Bytes:
    """Content that is in memory."""

    data: bytes

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self.data)

    def chunks(self) -> Iterator[bytes]:
        """Gives them at once."""
        yield self.data


@dataclass(frozen=True, slots=True)
class Slice:
    """Content that is a part of a file of the host's, or all of it."""

    path: Path
    offset: int
    size: int

    def chunks(self) -> Iterator[bytes]:
        """Reads them.

        Raises:
            InvalidInput: the file has become shorter.
        """
        left = self.size
        with self.path.open("rb") as file:
            file.seek(self.offset)
            while left:
                chunk = file.read(min(CHUNK, left))
                if not chunk:
                    raise InvalidInput(f"{self.path} became shorter while it was read")
                left -= len(chunk)
                yield chunk


@dataclass(slots=True)
class Meta:
    """What a file, a link or a directory has besides its name."""

    mode: int
    """The permissions with the set-user, set-group and sticky bits."""
    uid: int = 0
    gid: int = 0
    mtime: int = 0


@dataclass(slots=True)
class File:
    """A regular file; one that stands at several places is a file with hard links."""

    meta: Meta
    content: Content


@dataclass(slots=True)
class Symlink:
    """A symbolic link."""

    meta: Meta
    target: bytes


@dataclass(slots=True)
class Directory:
    """A directory; names are bytes, as the kernel has them."""

    meta: Meta
    children: dict[bytes, "Node"] = field(default_factory=dict)


Node: TypeAlias = File | Symlink | Directory


class Tree:
    """A root directory and what is below it."""

    def __init__(self, root: Directory | None = None) -> None:
        self.root = root or Directory(Meta(0o755))
        self._count = 1

    def put(self, path: bytes, node: Node) -> None:
        """Puts a node at a path in place of what was there; the directories above are made where they are missing.

        Links in the path are followed inside of the tree. A directory over a directory keeps what is in it.

        Raises:
            InvalidInput: the path is not one that can be, or the tree becomes too large.
        """
        parts = split_path(path)
        if not parts:
            if isinstance(node, Directory):
                self.root.meta = node.meta
            return
        parent = self._directory(parts[:-1])
        present = parent.children.get(parts[-1])
        if isinstance(present, Directory) and isinstance(node, Directory):
            present.meta = node.meta
            return
        self._counted()
        parent.children[parts[-1]] = node

    def find(self, path: bytes) -> Node | None:
        """Gives what is at a path, without following a link that is its last part."""
        parts = split_path(path)
        try:
            parent = self._directory(parts[:-1], make=False)
        except InvalidInput:
            return None
        return parent.children.get(parts[-1]) if parts else self.root

    def remove(self, path: bytes) -> None:
        """Removes what is at a path, if there is anything."""
        parts = split_path(path)
        if parts and self.find(path) is not None:
            del self._directory(parts[:-1], make=False).children[parts[-1]]

    def walk(self) -> Iterator[tuple[bytes, Node]]:
        """Gives every path with its node, directories before what is in them, names in order."""
        stack: list[tuple[bytes, Node]] = [(b"", self.root)]
        while stack:
            path, node = stack.pop()
            yield path, node
            if isinstance(node, Directory):
                prefix = path + b"/" if path else b""
                stack.extend((prefix + name, node.children[name]) for name in sorted(node.children, reverse=True))

    def _directory(self, parts: list[bytes], *, make: bool = True) -> Directory:
        """Gives the directory at a path, through the tree's own links."""
        left = list(reversed(parts))
        above: list[Directory] = [self.root]
        followed = 0
        while left:
            name = left.pop()
            if name == b"..":
                above = above[:-1] or [self.root]
                continue
            child = above[-1].children.get(name)
            if isinstance(child, Symlink):
                followed += 1
                if followed > _MAX_LINKS_FOLLOWED:
                    raise InvalidInput(f"too many links in {_shown(parts)}")
                above = [self.root] if child.target.startswith(b"/") else above
                left.extend(part for part in reversed(child.target.split(b"/")) if part not in (b"", b"."))
                continue
            if not isinstance(child, Directory):
                if not make:
                    raise InvalidInput(f"there is no directory {_shown(parts)}")
                child = above[-1].children[name] = Directory(Meta(0o755))
                self._counted()
            above.append(child)
            if len(above) > MAX_DEPTH:
                raise InvalidInput(f"a path has more than {MAX_DEPTH} directories")
        return above[-1]

    def _counted(self) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            raise InvalidInput(f"an image can have {MAX_NODES:,} files")


def split_path(path: bytes) -> list[bytes]:
    """Gives the parts of a path.

    Raises:
        InvalidInput: it leads outside, or has a part that no file can be named.
    """
    parts = [part for part in path.split(b"/") if part not in (b"", b".")]
    for part in parts:
        check_name(part)
    return parts


def check_name(name: bytes) -> None:
    """Makes sure that a name is one that a file can have.

    Raises:
        InvalidInput: it is not.
    """
    if name in (b"", b".", b"..") or b"/" in name or b"\0" in name or len(name) > MAX_NAME_BYTES:
        raise InvalidInput(f"{name[:100].decode(errors='replace')!r} cannot be the name of a file")


def _shown(parts: list[bytes]) -> str:
    return repr(b"/".join(parts)[:200].decode(errors="replace"))
