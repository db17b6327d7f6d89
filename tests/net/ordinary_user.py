"""Runs tests once more as a user without any privilege, on whatever machine root starts them."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

USER = 54_321
ROOT = Path(__file__).parents[2]


def run_tests(modules: Iterable[str], tun_device_node: Path) -> subprocess.CompletedProcess[str]:
    """Runs modules of this folder as the user, who gets a home and a TUN device node."""
    # Not below pytest's own directories, which are closed to others.
    with (
        tempfile.TemporaryDirectory(prefix="golem-vpn-test-") as home,
        tempfile.TemporaryDirectory(prefix="golem-vpn-test-") as scratch,
    ):
        os.chown(home, USER, USER)
        tests = [str(ROOT / "tests" / "net" / module) for module in modules]
        options = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={home}/pytest", f"--rootdir={ROOT}"]
        script = "\n".join(_open_up(Path(scratch)))
        return subprocess.run(
            ["unshare", "--mount", "sh", "-ec", script, "sh", sys.executable, *options, *tests],
            cwd=ROOT,
            env={**os.environ, "HOME": home, "GOLEM_VPN_TUN_DEVICE": str(tun_device_node)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


def _open_up(scratch: Path) -> Iterator[str]:
    """Gives a shell script that becomes the user, with a way through directories that are closed to others.

    The interpreter and this repository may lie in root's home. The script's mount namespace shows them there, alone.
    """
    needed = {Path(prefix).resolve() for prefix in (sys.base_prefix, sys.prefix, ROOT)}
    for closed in {gate for path in needed if (gate := _first_closed(path)) is not None}:
        inside = [path for path in sorted(needed) if path.is_relative_to(closed)]
        for index, path in enumerate(inside):
            yield f"mkdir -p {scratch}/{index} && mount --bind {path} {scratch}/{index}"
        yield f"mount -t tmpfs -o mode=755 none {closed}"
        for index, path in enumerate(inside):
            yield f"mkdir -p {path} && mount --move {scratch}/{index} {path}"
    # Some programs, such as ssh, want to know the name of their user.
    yield f"cp /etc/passwd {scratch}/passwd && echo 'ordinary:x:{USER}:{USER}::/tmp:/bin/sh' >> {scratch}/passwd"
    yield f"mount --bind {scratch}/passwd /etc/passwd"
    yield f"cd {ROOT}"
    yield f'exec setpriv --reuid {USER} --regid {USER} --clear-groups -- "$@"'


def _first_closed(path: Path) -> Path | None:
    """Finds the outermost directory that only its owner may enter."""
    return next((gate for gate in (*reversed(path.parents), path) if not gate.stat().st_mode & 0o001), None)
