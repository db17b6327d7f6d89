"""Runs the tests of the namespace runtime once more, as a user without any privilege."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.network, pytest.mark.timeout(600)]

USER = 54_321
ROOT = Path(__file__).parents[2]
MODULES = (
    "test_namespace_runtime.py",
    "test_namespace_lifecycle.py",
    "test_namespace_programs.py",
    "test_task_packages.py",
    "test_checks.py",
)


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory of the user's, not below pytest's own, which are closed to others."""
    with tempfile.TemporaryDirectory(prefix="golem-vpn-test-") as directory:
        os.chown(directory, USER, USER)
        yield Path(directory)


@pytest.mark.skipif(os.geteuid() != 0, reason="these tests run as an ordinary user anyway")
def test_as_an_ordinary_user(home: Path, tmp_path: Path, tun_device_node: Path) -> None:
    tests = [str(ROOT / "tests" / "net" / module) for module in MODULES]
    options = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={home}/pytest", f"--rootdir={ROOT}"]
    outcome = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", "\n".join(open_up(tmp_path)), "sh", sys.executable, *options, *tests],
        cwd=ROOT,
        env={**os.environ, "HOME": str(home), "GOLEM_VPN_TUN_DEVICE": str(tun_device_node)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout


def open_up(scratch: Path) -> Iterator[str]:
    """Gives a shell script that becomes the user, with a way through directories that are closed to others.

    The interpreter and this repository may lie in root's home. The script's mount namespace shows them there, alone.
    """
    needed = {Path(prefix).resolve() for prefix in (sys.base_prefix, sys.prefix, ROOT)}
    for closed in {gate for path in needed if (gate := first_closed(path)) is not None}:
        inside = [path for path in sorted(needed) if path.is_relative_to(closed)]
        for index, path in enumerate(inside):
            yield f"mkdir -p {scratch}/{index} && mount --bind {path} {scratch}/{index}"
        yield f"mount -t tmpfs -o mode=755 none {closed}"
        for index, path in enumerate(inside):
            yield f"mkdir -p {path} && mount --move {scratch}/{index} {path}"
    yield f"cd {ROOT}"
    yield f'exec setpriv --reuid {USER} --regid {USER} --clear-groups -- "$@"'


def first_closed(path: Path) -> Path | None:
    """Finds the outermost directory that only its owner may enter."""
    return next((gate for gate in (*reversed(path.parents), path) if not gate.stat().st_mode & 0o001), None)
