"""wireguard-go, built from the Go module proxy and set up through its own control socket."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.link import Link
from bench.wire import Host, Wire, run

BINARIES = Path(".make/go")
SUBNET = "10.98.0"
LISTEN_PORT = 51820


@contextmanager
def wireguard_go(wire: Wire) -> Iterator[Link]:
    """Runs one wireguard-go in each host, with a key pair each."""
    binary, version = _install()
    with ExitStack() as stack:
        keys = [_key_pair() for _ in range(2)]
        sides = []
        for number, host in enumerate((wire.left, wire.right), start=1):
            # The control socket lies in the file system that both hosts share, so the names must differ.
            interface = f"wg{os.getpid() % 10_000}n{number}"
            sides.append(stack.enter_context(_running(binary, host, interface)))
            host.run("ip", "address", "add", f"{SUBNET}.{number}/24", "dev", interface)
            host.run("ip", "link", "set", interface, "mtu", "1420", "up")
        for own, other, (host, peer) in ((0, 1, (wire.left, wire.right)), (1, 0, (wire.right, wire.left))):
            interface = sides[own][0]
            private = BINARIES / f"{interface}.key"
            private.touch(mode=0o600)
            private.write_text(keys[own][0])
            stack.callback(private.unlink)
            host.run(
                "wg", "set", interface, "listen-port", str(LISTEN_PORT), "private-key", str(private),
                "peer", keys[other][1], "endpoint", f"{peer.address}:{LISTEN_PORT}",
                "allowed-ips", f"{SUBNET}.{other + 1}/32",
            )  # fmt: skip
        yield Link(f"{SUBNET}.2", [side[1] for side in sides], f"{version}, ChaCha20-Poly1305, MTU 1420")


def _install() -> tuple[Path, str]:
    """Builds the newest wireguard-go once, and tells its version."""
    binary = BINARIES / "wireguard"
    if not binary.exists():
        print("building wireguard-go")
        subprocess.run(
            ["go", "install", "golang.zx2c4.com/wireguard@latest"],
            check=True, capture_output=True, env={**os.environ, "GOBIN": str(BINARIES.resolve())}, timeout=600,
        )  # fmt: skip
    modules = run("go", "version", "-m", str(binary))
    version = next((line.split()[2] for line in modules.splitlines() if line.split()[:1] == ["mod"]), "unknown")
    return binary, version


def _key_pair() -> tuple[str, str]:
    private = run("wg", "genkey")
    public = subprocess.run(["wg", "pubkey"], input=private, check=True, capture_output=True, text=True).stdout
    return private.strip(), public.strip()


@contextmanager
def _running(binary: Path, host: Host, interface: str) -> Iterator[tuple[str, int]]:
    command = host.command([str(binary), "--foreground", interface])
    quiet = {**os.environ, "LOG_LEVEL": "error", "WG_PROCESS_FOREGROUND": "1"}
    process = subprocess.Popen(command, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    socket = Path(f"/var/run/wireguard/{interface}.sock")
    try:
        deadline = time.monotonic() + 5
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("wireguard-go did not start; it needs root and /dev/net/tun")
            time.sleep(0.05)
        yield interface, process.pid
    finally:
        process.terminate()
        process.wait(5)
        socket.unlink(missing_ok=True)
