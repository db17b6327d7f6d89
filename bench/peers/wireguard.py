"""What implementations of WireGuard in user space share: a process for each host, and a control socket for `wg`."""

import itertools
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.link import Carrier, Link
from bench.wire import Host, Wire

SUBNET = "10.98.0"
LISTEN_PORT = 51820
MTU = 1420
START_SECONDS = 10.0
_numbers = itertools.count(1)
"""Control sockets lie in the file system that all hosts share, so the names of interfaces must differ."""


@dataclass(frozen=True, slots=True)
class Program:
    """An implementation."""

    details: str
    command: Callable[[str], list[str]]
    """Gives the command line for an interface of that name."""
    environment: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def wireguard(wire: Wire, program: Program) -> Iterator[Link]:
    """Runs one process in each host, with a key pair each."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="golem-vpn-bench-")))
        keys = [_key_pair() for _ in wire.hosts]
        carriers = []
        interfaces = [f"wg{os.getpid()}n{next(_numbers)}" for _ in wire.hosts]
        for number, (host, interface) in enumerate(zip(wire.hosts, interfaces, strict=True), start=1):
            carriers.append(Carrier(stack.enter_context(_running(program, host, interface))))
            host.machine.ip(f"address add {SUBNET}.{number}/24 dev {interface}", f"link set {interface} mtu {MTU} up")
        for own, other in ((0, 1), (1, 0)):
            private = folder / interfaces[own]
            private.write_text(keys[own][0])
            wire.hosts[own].machine.run(
                "wg", "set", interfaces[own], "listen-port", str(LISTEN_PORT), "private-key", str(private),
                "peer", keys[other][1], "endpoint", f"{wire.hosts[other].address}:{LISTEN_PORT}",
                "allowed-ips", f"{SUBNET}.{other + 1}/32",
            )  # fmt: skip
        yield Link(f"{SUBNET}.2", tuple(carriers), f"{program.details}, ChaCha20-Poly1305, MTU {MTU}")


def _key_pair() -> tuple[str, str]:
    private = subprocess.run(["wg", "genkey"], check=True, capture_output=True, text=True).stdout
    public = subprocess.run(["wg", "pubkey"], input=private, check=True, capture_output=True, text=True).stdout
    return private.strip(), public.strip()


@contextmanager
def _running(program: Program, host: Host, interface: str) -> Iterator[int]:
    process = subprocess.Popen(
        host.machine.command(program.command(interface)),
        env={**os.environ, **program.environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    socket = Path(f"/var/run/wireguard/{interface}.sock")
    try:
        deadline = time.monotonic() + START_SECONDS
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{program.details} did not start; it needs root and /dev/net/tun")
            time.sleep(0.02)
        yield process.pid
    finally:
        process.terminate()
        process.wait(START_SECONDS)
        socket.unlink(missing_ok=True)
