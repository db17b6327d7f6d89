import os
from pathlib import Path

import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.images.sources.programs import read_programs
from golem_vpn.images.tree import Bytes, File, Symlink, Tree


def text(tree: Tree, path: str) -> str:
    node = tree.find(path.encode())
    assert isinstance(node, File)
    assert isinstance(node.content, Bytes)
    return node.content.data.decode()


def test_a_program_comes_with_what_it_loads() -> None:
    tree = read_programs(["bash"], base=False)
    names = {os.path.basename(path).decode() for path, node in tree.walk() if isinstance(node, File)}
    assert "bash" in names
    assert any(name.startswith("libc.so") for name in names)
    assert any(name.startswith("ld-") for name in names)
    assert tree.find(b"bin/cat") is None


def test_what_is_at_the_top_lies_as_on_this_machine() -> None:
    tree = read_programs(["sh"], base=False)
    for name in ("bin", "lib"):
        assert isinstance(tree.find(name.encode()), Symlink) == Path("/", name).is_symlink()


def test_the_base_makes_a_system() -> None:
    tree = read_programs(["sh"])
    assert text(tree, "etc/passwd").startswith("root:x:0:0:root:/root:/bin/sh\n")
    assert "root:*:" in text(tree, "etc/shadow")
    for path in (b"bin/ls", b"usr/bin/env", b"tmp", b"etc/hosts"):
        assert tree.find(path) is not None, path


def test_a_script_comes_with_its_interpreter(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\necho hello\n")
    script.chmod(0o755)
    tree = read_programs([str(script)], base=False)
    assert tree.find(os.fsencode(script)) is not None
    assert tree.find(b"bin/sh") is not None


def test_private_things_stay_here() -> None:
    tree = read_programs(["sshd"])
    paths = {path for path, _ in tree.walk()}
    assert b"etc/ssh/sshd_config" in paths
    assert not any(b"host" in path and b"key" in path for path in paths if path.startswith(b"etc/ssh/"))
    assert "PermitRootLogin yes" in text(tree, "etc/ssh/sshd_config")
    assert "sshd:x:" in text(tree, "etc/passwd")


@pytest.mark.parametrize("name", ["no-such-program", "/etc/passwd", ""])
def test_what_is_no_program_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="no program"):
        read_programs([name])
