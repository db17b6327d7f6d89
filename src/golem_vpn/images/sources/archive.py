"""A tar archive as a tree; layers of containers are such archives, with marks for what they remove."""

import gzip
import lzma
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from golem_vpn.errors import InvalidInput
from golem_vpn.images.tree import CHUNK, Directory, File, Meta, Node, Slice, Symlink, Tree

_REMOVED = b".wh."
_ALL_REMOVED = b".wh..wh..opq"
_MAGIC: dict[bytes, type[gzip.GzipFile] | type[lzma.LZMAFile]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}
_ZSTD = b"\x28\xb5\x2f\xfd"


@contextmanager
def read_archive(archive: Path, scratch: Path, max_bytes: int | None = None) -> Iterator[Tree]:
    """Reads a tar archive, whose files can be read as long as the context lasts.

    Args:
        archive: The archive; it may be compressed with gzip or xz.
        scratch: A directory with room for the archive without compression.
        max_bytes: How many bytes it may have without compression.

    Raises:
        InvalidInput: it is no such archive, or a damaged one.
    """
    with TemporaryDirectory(dir=scratch) as own:
        tree = Tree()
        apply_layer(tree, plain(archive, Path(own), max_bytes))
        yield tree


def plain(archive: Path, scratch: Path, max_bytes: int | None = None) -> Path:
    """Gives an archive without compression, in which files can be read from any place.

    Raises:
        InvalidInput: it is damaged, too large, or compressed in another way.
    """
    with archive.open("rb") as file:
        start = file.read(6)
    if start.startswith(_ZSTD):
        raise InvalidInput(f"{archive}: archives compressed with zstd are not supported; gzip, xz and none are")
    for magic, opened in _MAGIC.items():
        if start.startswith(magic):
            target = scratch / f"{archive.name}.tar"
            try:
                with opened(archive) as compressed, target.open("xb") as file:
                    while chunk := compressed.read(CHUNK):
                        file.write(chunk)
                        if max_bytes is not None and file.tell() > max_bytes:
                            raise InvalidInput(f"the archive unpacks to more than {max_bytes >> 20} MiB")
            except (OSError, EOFError, lzma.LZMAError) as error:
                raise InvalidInput(f"{archive}: {error}") from error
            return target
    return archive


def apply_layer(tree: Tree, archive: Path) -> None:
    """Puts the members of an archive without compression into a tree, and removes what its marks say.

    Raises:
        InvalidInput: the archive is damaged, or has a member that would lie outside.
    """
    added: set[bytes] = set()
    try:
        with tarfile.open(archive, "r:", errorlevel=2, encoding="utf-8", errors="surrogateescape") as members:
            for member in members:
                path = member.name.encode("utf-8", "surrogateescape").strip(b"/")
                parent, _, name = path.rpartition(b"/")
                if name == _ALL_REMOVED:
                    _empty(tree, parent, added)
                elif name.startswith(_REMOVED):
                    tree.remove(parent + b"/" + name.removeprefix(_REMOVED))
                else:
                    node = _node(tree, member, archive)
                    if node is not None:
                        tree.put(path, node)
                        added.add(path)
    except (tarfile.TarError, OSError) as error:
        raise InvalidInput(f"{archive}: {error}") from error


def _node(tree: Tree, member: tarfile.TarInfo, archive: Path) -> Node | None:
    meta = Meta(member.mode & 0o7777, member.uid, member.gid, int(member.mtime))
    link = member.linkname.encode("utf-8", "surrogateescape")
    if member.isdir():
        return Directory(meta)
    if member.issym():
        return Symlink(meta, link)
    if member.islnk():
        linked = tree.find(link)
        if not isinstance(linked, File | Symlink):
            raise InvalidInput(f"{archive}: {member.name} is a hard link to what is not there, or outside")
        return linked
    if member.issparse():
        raise InvalidInput(f"{archive}: {member.name} is a sparse file, which is not supported")
    if member.isreg():
        return File(meta, Slice(archive, member.offset_data, member.size))
    return None


def _empty(tree: Tree, path: bytes, added: set[bytes]) -> None:
    """Removes what earlier layers put into a directory; what this layer put there stays."""
    directory = tree.find(path)
    if isinstance(directory, Directory):
        for name in list(directory.children):
            if path + b"/" + name not in added:
                del directory.children[name]
