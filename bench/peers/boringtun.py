"""boringtun-cli, built from the registry of crates."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.link import Link
from bench.peers.wireguard import Program, wireguard
from bench.wire import Wire

VERSION = "0.7.1"
ROOT = Path(".make/boringtun")
BUILD_SECONDS = 1800


@contextmanager
def boringtun(wire: Wire) -> Iterator[Link]:
    """Measures a pair of them."""
    binary = _install()
    # It would give up the rights by which it makes its interface.
    options = ("--foreground", "--disable-drop-privileges")
    program = Program(f"boringtun-cli {VERSION}", lambda interface: [str(binary), *options, interface])
    with wireguard(wire, program) as link:
        yield link


def _install() -> Path:
    """Builds it once."""
    binary = ROOT / "bin" / "boringtun-cli"
    if not binary.exists():
        print("building boringtun-cli, which takes some minutes", file=sys.stderr)
        subprocess.run(
            ["cargo", "install", "boringtun-cli", "--version", VERSION, "--locked", "--root", str(ROOT)],
            check=True, capture_output=True, text=True, timeout=BUILD_SECONDS,
        )  # fmt: skip
    return binary
