"""wireguard-go, built from the Go module proxy."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.link import Link
from bench.peers.wireguard import Program, wireguard
from bench.wire import Wire

MODULE = "golang.zx2c4.com/wireguard"
VERSION = "v0.0.0-20260522210424-ecfc5a8d5446"
BINARIES = Path(".make/go")
BUILD_SECONDS = 600


@contextmanager
def wireguard_go(wire: Wire) -> Iterator[Link]:
    """Measures a pair of them."""
    binary = _install()
    environment = {"LOG_LEVEL": "error", "WG_PROCESS_FOREGROUND": "1"}
    program = Program(VERSION, lambda interface: [str(binary), "--foreground", interface], environment)
    with wireguard(wire, program) as link:
        yield link


def _install() -> Path:
    """Builds it once."""
    binary = BINARIES / "wireguard"
    if not binary.exists():
        print("building wireguard-go", file=sys.stderr)
        subprocess.run(
            ["go", "install", f"{MODULE}@{VERSION}"],
            check=True, capture_output=True, env={**os.environ, "GOBIN": str(BINARIES.resolve())},
            timeout=BUILD_SECONDS,
        )  # fmt: skip
    return binary
