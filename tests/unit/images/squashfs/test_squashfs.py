"""Images that are written are read again; damaged ones are refused, whatever is wrong with them."""

import random
from pathlib import Path

import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.images.squashfs import blocks, layout, reader, tables, writer
from golem_vpn.images.squashfs.blocks import Superblock
from golem_vpn.images.tree import Bytes, Directory, File, Meta, Tree
from tests.unit.images.kit import LARGE, contents, sample


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    writer.write(sample(), path)
    return path


def test_what_is_written_is_read(image: Path) -> None:
    with reader.opened(image) as tree:
        assert contents(tree) == contents(sample())
        assert tree.find(b"usr/bin/sh") is tree.find(b"usr/bin/bash")


def test_the_same_tree_gives_the_same_bytes(image: Path, tmp_path: Path) -> None:
    writer.write(sample(), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == image.read_bytes()


def test_an_empty_tree(tmp_path: Path) -> None:
    writer.write(Tree(), tmp_path / "image")
    with reader.opened(tmp_path / "image") as tree:
        assert contents(tree) == {"": (0o755, 0, 0, 0)}


def test_a_large_directory(tmp_path: Path) -> None:
    tree = Tree()
    for number in range(5_000):
        tree.put(f"{number:05}{'x' * 40}".encode(), File(Meta(0o644, number % 7), Bytes(b"same")))
    writer.write(tree, tmp_path / "image")
    with reader.opened(tmp_path / "image") as read:
        assert contents(read) == contents(tree)


def test_files_are_read_more_than_once(image: Path) -> None:
    with reader.opened(image) as tree:
        node = tree.find(b"usr/bin/sh")
        assert isinstance(node, File)
        for _ in range(2):
            assert b"".join(node.content.chunks()) == LARGE


@pytest.mark.parametrize("length", [0, 10, 95, 96, 200, 5_000])
def test_a_cut_image_is_refused(length: int, image: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    cut.write_bytes(image.read_bytes()[:length])
    with pytest.raises(InvalidInput), reader.opened(cut):
        pass


def test_damage_is_never_more_than_refused(image: Path, tmp_path: Path) -> None:
    whole = image.read_bytes()
    chance = random.Random(7)
    damaged = tmp_path / "damaged"
    for _ in range(300):
        data = bytearray(whole)
        # The tables are at the end, and small; the superblock is at the beginning.
        for _ in range(chance.randint(1, 4)):
            place = chance.choice((chance.randrange(96), len(data) - 1 - chance.randrange(12_000)))
            data[place] = chance.randrange(256)
        damaged.write_bytes(data)
        try:
            with reader.opened(damaged) as tree:
                for _, node in tree.walk():
                    if isinstance(node, File) and node.content.size < 1 << 24:
                        for _ in node.content.chunks():
                            pass
        except InvalidInput:
            pass


def test_a_directory_in_itself_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stored(data: bytes) -> bytes:
        return layout.METADATA_HEADER.pack(len(data) | layout.METADATA_STORED) + data

    monkeypatch.setattr(tables, "_metadata_block", stored)
    tree = Tree()
    tree.put(b"below", Directory(Meta(0o755)))
    writer.write(tree, tmp_path / "image")
    data = bytearray((tmp_path / "image").read_bytes())
    below = Superblock.decode(bytes(data)).inode_table + layout.METADATA_HEADER.size
    root = below + layout.INODE.size + layout.DIRECTORY_INODE.size
    # The directory below gets the listing of the root, in which it stands.
    data[below + layout.INODE.size : root] = data[root + layout.INODE.size : root + (root - below)]
    (tmp_path / "image").write_bytes(data)
    with pytest.raises(InvalidInput, match="directories"), reader.opened(tmp_path / "image"):
        pass


def test_metadata_is_bounded(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MAX_METADATA_BYTES", 10_000)
    with pytest.raises(InvalidInput, match="metadata"), reader.opened(image):
        pass


@pytest.mark.parametrize("name", [b"..", b".", b"a/b", b"a\0b"])
def test_a_name_that_leads_elsewhere_is_refused(name: bytes, tmp_path: Path) -> None:
    root = Directory(Meta(0o755))
    root.children[name] = File(Meta(0o644), Bytes(b""))
    writer.write(Tree(root), tmp_path / "image")
    with pytest.raises(InvalidInput, match="name"), reader.opened(tmp_path / "image"):
        pass
