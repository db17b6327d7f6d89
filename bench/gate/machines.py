"""A requestor's daemon on one machine and a member of its network on another, and what goes between them."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from golem_vpn.cli.session import daemon_file
from tests.lab.namespace import Namespace
from tests.lab.nodes import Node, Nodes, attach
from tests.lab.wire import Wire, join

ADDRESSES = ("10.99.0.1", "10.99.0.2")
MEMBER = "10.97.0.2"
PORT = 7000
FOLDER = Path(__file__).parent
MARGIN = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """What goes through a connection, or through several side by side."""

    direction: str
    """`up` into the network, or `down`."""
    seconds: float
    control: str = "-"
    """The congestion control of the sender, where it is a program."""
    message: int = 1 << 16
    connections: int = 1


@dataclass(frozen=True, slots=True)
class Machines:
    """The requestor's machine, with its daemon, and the member's; `wire` joins them where it does harm."""

    requestor: Node
    member: Node
    network: str
    wire: Wire | None

    def gate(self, load: Load) -> float:
        """Gives the Mbit/s that come through the gate."""
        data_dir = self.requestor.data_dir
        api = daemon_file(data_dir).api.replace("http", "ws", 1)
        key = (data_dir / "app-key").read_text().strip()
        return self._run(f"{api}/net-api/v1/net/{self.network}/tcp/{MEMBER}/{PORT}?authToken={key}", load)

    def plain(self, load: Load) -> float:
        """Gives the Mbit/s of the kernels' own TCP over the same wire."""
        return self._run(f"tcp://{ADDRESSES[1]}:{PORT}", load)

    def _run(self, target: str, load: Load) -> float:
        options = {"seconds": load.seconds, "message": load.message, "connections": load.connections}
        arguments = [f"--{name}={value}" for name, value in options.items()]
        program = [sys.executable, str(FOLDER / "load.py"), target, load.direction, f"--control={load.control}"]
        command = self.requestor.machine.command([*program, *arguments])
        finished = subprocess.run(command, capture_output=True, text=True, timeout=load.seconds + MARGIN)
        if finished.returncode:
            raise RuntimeError(f"no load: {finished.stderr.strip()}\n{self.requestor.log()[-2000:]}")
        return int(finished.stdout) * 8 / load.seconds / 1e6


@contextmanager
def machines(*options: str, is_long: bool) -> Iterator[Machines]:
    """Joins two machines by a wire, and runs their daemons.

    Args:
        options: Those of the requestor's daemon.
        is_long: Whether the wire is one that can do harm.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="golem-vpn-bench-")))
        near, far = spaces = [Namespace(f"gvg{os.getpid()}-{side}") for side in ("near", "far")]
        for space in spaces:
            stack.callback(space.delete)
        ends = ((near, "wire0"), (far, "wire0"))
        wire = None
        if is_long:
            wire = Wire(*ends)
            stack.callback(wire.close)
        else:
            join(*ends)
        for space, address in zip(spaces, ADDRESSES, strict=True):
            space.ip(f"address add {address}/24 dev wire0")
        nodes = Nodes(folder, stack)
        requestor = nodes.hub(near, *options)
        [member] = nodes.join(requestor, {far: ()})
        network = attach(requestor, {member: MEMBER})
        stack.enter_context(_peer(far))
        yield Machines(requestor, member, network, wire)


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
