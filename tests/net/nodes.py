"""Daemons of a test's own, at fixed ports so that they can be killed and started again."""

import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.to_thread

from golem_vpn.cli.commands.hubs import join_hub
from golem_vpn.cli.processes import DaemonProcess, StartingDaemon, end_daemons
from golem_vpn.cli.session import app_key, daemon_file
from golem_vpn.sdk.client import Client


@dataclass
class TestNode:
    """One daemon, running or not."""

    __test__ = False

    name: str
    data_dir: Path
    options: list[str]
    process: DaemonProcess | None = field(default=None)

    def start(self) -> None:
        """Starts the daemon and returns when it serves."""
        starting = StartingDaemon(self.name, self.data_dir, self.options)
        self.process = starting.daemon
        starting.wait_ready()

    def kill(self) -> None:
        """Ends the daemon as a crash would."""
        assert self.process is not None
        self.process.signal(signal.SIGKILL)
        while self.process.running:
            pass

    def client(self) -> Client:
        """Gives a client of this daemon's API."""
        return Client(daemon_file(self.data_dir).api, app_key(self.data_dir))

    @property
    def node_id(self) -> str:
        """The daemon's node id."""
        return daemon_file(self.data_dir).node_id


@asynccontextmanager
async def requestor_and_providers(folder: Path, providers: int = 2) -> AsyncIterator[list[TestNode]]:
    """Runs a requestor with the hub, and providers that joined it, on loopback."""
    nodes = [_node("requestor", folder, "--hub")]
    nodes += [_node(f"provider-{number}", folder, "--provider") for number in range(1, providers + 1)]
    try:
        await anyio.to_thread.run_sync(nodes[0].start)
        async with nodes[0].client() as client:
            for node in nodes[1:]:
                await anyio.to_thread.run_sync(join_hub, node.data_dir, await client.create_ticket())
                await anyio.to_thread.run_sync(node.start)
        yield nodes
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(end_daemons, [node.process for node in reversed(nodes) if node.process])


@contextmanager
def nodes_apart(folder: Path, options: dict[str, list[str]]) -> Iterator[list[TestNode]]:
    """Runs daemons with these options by name, which have not joined each other, on loopback."""
    nodes = [_node(name, folder, *words) for name, words in options.items()]
    try:
        for node in nodes:
            node.start()
        yield nodes
    finally:
        end_daemons([node.process for node in reversed(nodes) if node.process])


def _node(name: str, folder: Path, *options: str) -> TestNode:
    data_dir = folder / name
    data_dir.mkdir()
    api, listen = f"127.0.0.1:{_free_tcp_port()}", f"127.0.0.1:{_free_udp_ports()}"
    relay = ["--relay-listen", "127.0.0.1:0"] if "--hub" in options else []
    return TestNode(name, data_dir, ["--api", api, "--listen", listen, *relay, *options])


def _free_tcp_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _free_udp_ports() -> int:
    """Finds a UDP port that is free, and the next one too."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second,
        ):
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
