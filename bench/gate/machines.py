"""A requestor's daemon on one machine and a member of its network on another, and what goes between them."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.wire import long_way
from golem_vpn.cli.session import daemon_file
from tests.lab.namespace import Namespace
from tests.lab.nodes import Node, Nodes, attach
from tests.lab.wire import Wire as Bridge

MEMBER = "10.97.0.2"
PORT = 7000
FOLDER = Path(__file__).parent
MARGIN = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """What goes through a connection."""

    direction: str
    """`up` into the network, or `down`."""
    seconds: float
    control: str = "-"
    """The congestion control of the sender, where it is a program."""


@dataclass(frozen=True, slots=True)
class Machines:
    """The requestor's machine, with its daemon, and the member's."""

    requestor: Node
    member: Node
    network: str
    address: str
    """Of the member's machine, on the wire between both."""
    bridge: Bridge
    """What does harm to that wire."""

    def gate(self, load: Load) -> float:
        """Gives the Mbit/s that come through the gate."""
        data_dir = self.requestor.data_dir
        api = daemon_file(data_dir).api.replace("http", "ws", 1)
        key = (data_dir / "app-key").read_text().strip()
        return self._run(f"{api}/net-api/v1/net/{self.network}/tcp/{MEMBER}/{PORT}?authToken={key}", load)

    def plain(self, load: Load) -> float:
        """Gives the Mbit/s of the kernels' own TCP over the same wire."""
        return self._run(f"tcp://{self.address}:{PORT}", load)

    def _run(self, target: str, load: Load) -> float:
        options = [f"--seconds={load.seconds}", f"--control={load.control}"]
        program = [sys.executable, str(FOLDER / "load.py"), target, load.direction, *options]
        command = self.requestor.machine.command(program)
        finished = subprocess.run(command, capture_output=True, text=True, timeout=load.seconds + MARGIN)
        if finished.returncode:
            raise RuntimeError(f"no load: {finished.stderr.strip()}\n{self.requestor.log()[-2000:]}")
        return int(finished.stdout) * 8 / load.seconds / 1e6


@contextmanager
def machines(*options: str) -> Iterator[Machines]:
    """Joins two machines by a wire that can do harm, and runs their daemons; `options` are those of the requestor's."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="golem-vpn-bench-")))
        wire, bridge = stack.enter_context(long_way())
        nodes = Nodes(folder, stack)
        requestor = nodes.hub(wire.left.machine, *options)
        [member] = nodes.join(requestor, {wire.right.machine: ()})
        network = attach(requestor, {member: MEMBER})
        stack.enter_context(_peer(wire.right.machine))
        yield Machines(requestor, member, network, wire.right.address, bridge)


@contextmanager
def _peer(machine: Namespace) -> Iterator[None]:
    command = machine.command([sys.executable, str(FOLDER / "peer.py"), str(PORT)])
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield
    finally:
        process.terminate()
        process.communicate(timeout=10)
