"""Writes the type stub of the native module from what the module itself tells of its classes and functions.

Two things it can't tell are added: the exceptions, and the dictionaries that some functions give.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

STUB = Path("src/golem_vpn/_native.pyi")
INCOMPLETE = "def __getattr__(name: str) -> Incomplete: ..."

ADDITIONS = '''
from asyncio import Future
from typing import Any, Literal, TypedDict, type_check_only

__all__ = [
    "ConnectError",
    "ControlError",
    "DataPlane",
    "Endpoint",
    "Namespaces",
    "NativeError",
    "RawGate",
    "Relay",
    "Request",
    "Stack",
    "Stream",
    "decompress",
    "probe",
    "probe_tun",
    "sandbox_main",
    "stack_helper_main",
]

class NativeError(Exception):
    """The native core could not do what was asked."""

class ConnectError(NativeError):
    """A stream through a network could not be opened."""

    reason: Literal["refused", "timed-out", "no-route", "too-many", "lost"]

class ControlError(NativeError):
    """A peer has not answered."""

    reason: Literal["unreachable", "interrupted", "timed-out", "refused", "malformed", "too-long", "closed"]

@type_check_only
class Offloads(TypedDict):
    aes_instructions: bool
    real_time: bool
    udp_segmentation: bool
    udp_receive: bool
    send_buffer: int
    receive_buffer: int

@type_check_only
class TunOffloads(TypedDict):
    checksum: bool
    tcp: bool
    udp: bool

@type_check_only
class ConnectionInfo(TypedDict):
    protocol: Literal["tcp"]
    localIp: str
    localPort: int
    remoteIp: str
    remotePort: int
'''


def main() -> int:
    """Writes the stub, or with --check says whether the one in the tree is right; 1 where it is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args().check
    stub = generate()
    if check:
        if stub == STUB.read_text():
            return 0
        sys.stderr.write(f"error: {STUB} is not what the native module tells of itself\ncure: make stub\n")
        return 1
    STUB.write_text(stub)
    return 0


def generate() -> str:
    """Builds the module so that it tells its signatures, and gives the whole stub."""
    binaries = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [binaries / "maturin", "generate-stubs", "--quiet", "--profile", "release",
             "--features", "golem-vpn-python/stub", "--out", folder],
            check=True,
        )  # fmt: skip
        told = (Path(folder) / "golem_vpn/_native.pyi").read_text()
    imports, _, classes = told.replace(INCOMPLETE, "").partition("\n@final\n")
    text = f"{imports}\n{ADDITIONS}\n@final\n{classes}".replace("Incomplete, ", "")
    fixed = _ruff("check", "--fix", "--quiet", "--select", "I,F401,UP037,PYI", "-", text=text)
    return _ruff("format", "-", text=fixed)


def _ruff(*arguments: str, text: str) -> str:
    command = [str(Path(sys.executable).parent / "ruff"), *arguments, "--stdin-filename", str(STUB)]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise RuntimeError(done.stderr)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
