"""golem-vpn as a user has it: a daemon in each host, joined by ticket, each machine attached to one network."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.link import Link
from bench.wire import Host, Wire

NETWORK = "10.97.0.0/24"
ADDRESSES = ("10.97.0.2", "10.97.0.3")


@dataclass(frozen=True, slots=True)
class Node:
    """A daemon in one host."""

    host: Host
    data_dir: Path
    pid: int

    def command(self, *arguments: str) -> str:
        """Runs `golem-vpn` in this host against this daemon and gives what it prints."""
        return _golem_vpn(self.host, self.data_dir, *arguments)


@contextmanager
def golem_vpn(wire: Wire) -> Iterator[Link]:
    """Measures a pair of attached machines."""
    with attached_pair(wire) as (left, right):
        cipher = json.loads(left.command("status", "--json"))["cipher"]
        yield Link(ADDRESSES[1], [left.pid, right.pid], f"{cipher}, MTU 1420")


@contextmanager
def attached_pair(wire: Wire) -> Iterator[tuple[Node, Node]]:
    """Runs one daemon in each host, the left one with the hub, and attaches both machines to one network."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="golem-vpn-bench-")))
        left = stack.enter_context(_daemon(wire.left, folder / "left", "--hub"))
        _golem_vpn(wire.right, folder / "right", "join", left.command("ticket"))
        right = stack.enter_context(_daemon(wire.right, folder / "right"))
        network = left.command("network", "create", NETWORK)
        for node, address in zip((left, right), ADDRESSES, strict=True):
            left.command("network", "add-node", network, node.command("me"), address)
        for node in (left, right):
            _retry(node, "attach", network)
        yield left, right


@contextmanager
def _daemon(host: Host, data_dir: Path, *options: str) -> Iterator[Node]:
    command = [sys.executable, "-m", "golem_vpn", "daemon", "--api", "127.0.0.1:0", "--data-dir", str(data_dir)]
    data_dir.mkdir(exist_ok=True)
    with open(data_dir / "daemon.log", "wb") as log:
        process = subprocess.Popen(host.command([*command, *options]), stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"the daemon did not start:\n{(data_dir / 'daemon.log').read_text()}")
        yield Node(host, data_dir, process.pid)
    finally:
        process.terminate()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


def _golem_vpn(host: Host, data_dir: Path, *arguments: str) -> str:
    return host.run(sys.executable, "-m", "golem_vpn", *arguments, "--data-dir", str(data_dir)).strip()


def _retry(node: Node, *arguments: str) -> None:
    """Runs a command that may have to wait until the node has heard of the network."""
    for attempt in range(20):
        try:
            node.command(*arguments)
            return
        except subprocess.CalledProcessError:
            if attempt == 19:
                raise
            time.sleep(0.1)
