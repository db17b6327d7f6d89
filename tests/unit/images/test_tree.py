import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.images.tree import MAX_DEPTH, Bytes, Directory, File, Meta, Symlink, Tree


def file(text: str = "") -> File:
    return File(Meta(0o644), Bytes(text.encode()))


def paths(tree: Tree) -> list[str]:
    return [path.decode() for path, _ in tree.walk()]


def test_directories_above_are_made() -> None:
    tree = Tree()
    tree.put(b"/a/b/c", file())
    assert paths(tree) == ["", "a", "a/b", "a/b/c"]


def test_links_above_are_followed_inside() -> None:
    tree = Tree()
    tree.put(b"lib", Symlink(Meta(0o777), b"/usr/lib"))
    tree.put(b"usr/lib/deep", Symlink(Meta(0o777), b"../../../../opt"))
    tree.put(b"lib/deep/x", file())
    assert paths(tree) == ["", "lib", "opt", "opt/x", "usr", "usr/lib", "usr/lib/deep"]


def test_a_file_takes_the_place_of_a_link() -> None:
    tree = Tree()
    tree.put(b"name", Symlink(Meta(0o777), b"/etc/passwd"))
    tree.put(b"name", file("own"))
    assert tree.find(b"name") == file("own")
    assert tree.find(b"etc") is None


def test_a_directory_keeps_what_is_in_it() -> None:
    tree = Tree()
    tree.put(b"a/b", file())
    tree.put(b"a", Directory(Meta(0o700)))
    assert paths(tree) == ["", "a", "a/b"]
    assert tree.find(b"a") is not None
    tree.put(b"", Directory(Meta(0o711)))
    assert tree.root.meta.mode == 0o711


def test_remove() -> None:
    tree = Tree()
    tree.put(b"a/b", file())
    tree.remove(b"a/b")
    tree.remove(b"a/b")
    tree.remove(b"nowhere/b")
    assert paths(tree) == ["", "a"]


@pytest.mark.parametrize("path", [b"../x", b"a/../../x", b"a/" + b"n" * 256, b"a\0"])
def test_a_path_that_cannot_be_is_refused(path: bytes) -> None:
    with pytest.raises(InvalidInput, match="name"):
        Tree().put(path, file())


def test_links_in_a_circle_are_refused() -> None:
    tree = Tree()
    tree.put(b"a", Symlink(Meta(0o777), b"b"))
    tree.put(b"b", Symlink(Meta(0o777), b"a"))
    with pytest.raises(InvalidInput, match="links"):
        tree.put(b"a/x", file())


def test_depth_is_bounded() -> None:
    with pytest.raises(InvalidInput, match="directories"):
        Tree().put(b"/".join([b"d"] * (MAX_DEPTH + 1)), file())
