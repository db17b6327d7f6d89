"""A tunnel inside a TCP connection, by a small forwarder: shows what TCP over TCP costs."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.link import Carrier, Link
from bench.server import until_listening
from bench.wire import Host, Wire

FORWARDER = Path(__file__).with_name("forwarder.py")
INTERFACE = "stream0"
SUBNET = "10.96.0"
PORT = 7099
PATIENCE = 5.0


@contextmanager
def tcp_in_tcp(wire: Wire, control: str) -> Iterator[Link]:
    """Runs a forwarder in each host, with a congestion control for their connection."""
    with ExitStack() as stack:
        address = wire.right.address
        right = stack.enter_context(_forwarder(wire.right, 2, "listen", address, control))
        until_listening(wire.right, f":{PORT}", right, PATIENCE)
        left = stack.enter_context(_forwarder(wire.left, 1, "connect", address, control))
        for process in (left, right):
            assert process.stdout is not None
            if process.stdout.readline().strip() != "ready":
                raise RuntimeError("the forwarders did not connect; they need root and /dev/net/tun")
        yield Link(
            f"{SUBNET}.2", (Carrier(left.pid), Carrier(right.pid)), "one TCP connection, MTU 1420, not encrypted"
        )


@contextmanager
def _forwarder(host: Host, number: int, role: str, address: str, control: str) -> Iterator["subprocess.Popen[str]"]:
    arguments = [INTERFACE, f"{SUBNET}.{number}/24", role, address, str(PORT), control]
    command = host.machine.command([sys.executable, str(FORWARDER), *arguments])
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)
