"""golem-vpn as a user has it: a daemon in each host, joined by ticket, each machine attached to one network."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlsplit

from bench.link import Carrier, Link
from bench.measures.processes import resident_bytes
from bench.peers.introduction import ADDRESSES, NEXT, Introduction, introduce
from bench.wire import Wire
from golem_vpn.cli.session import app_key, daemon_file
from golem_vpn.sdk.client import NET
from tests.lab.nodes import Node, Nodes

HUB_LISTEN = "0.0.0.0:12500"
RELAYS_ONLY: tuple[str, ...] = ("--relayed-only",)
PATIENCE = 30.0
PAUSE = 0.05
SETTLING = 2.0
"""Seconds in which daemons that have just been started find each other through the hub."""


@contextmanager
def golem_vpn(wire: Wire, *, options: tuple[str, ...] = ()) -> Iterator[Link]:
    """Measures a pair of attached machines, whose packets go straight; `options` are those of their daemons."""
    with daemon_pair(wire, *options) as pair:
        yield _link(pair, [], "direct")


@contextmanager
def golem_vpn_relayed(wire: Wire) -> Iterator[Link]:
    """Measures a pair whose packets go through the relay of a third daemon, a hub in the left host."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="golem-vpn-bench-")))
        hub = Nodes(folder / "hub", stack).hub(wire.left.machine, "--listen", HUB_LISTEN)
        ends = dict.fromkeys((host.machine for host in wire.hosts), RELAYS_ONLY)
        left, right = Nodes(folder / "ends", stack).join(hub, ends)
        yield _link((left, right), [hub], "relayed")


@contextmanager
def daemon_pair(wire: Wire, *options: str) -> Iterator[tuple[Node, Node]]:
    """Runs one daemon in each host, the left one with the hub, that the right one has joined."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="golem-vpn-bench-")))
        left, [right] = Nodes(folder, stack).start_all(wire.left.machine, options, {wire.right.machine: options})
        yield left, right


def _link(pair: tuple[Node, Node], relays: list[Node], path: str) -> Link:
    carriers = tuple(_carrier(node) for node in (*pair, *relays))
    sleep(SETTLING)
    introduction = introduce(*pair)
    _wait_path(pair, path)
    cipher = pair[0].ask(lambda client: client.status())["cipher"]
    return Link(
        ADDRESSES[1],
        carriers,
        f"{cipher}, {path}, MTU 1420",
        gate=lambda port: _gate_url(pair[0], introduction, port),
        first_ping=introduction.seconds,
        next_ping=lambda: introduce(*pair, NEXT).seconds,
    )


def _carrier(node: Node) -> Carrier:
    pid = daemon_file(node.data_dir).pid
    return Carrier(pid, resident_bytes(pid))


def _wait_path(pair: tuple[Node, Node], kind: str) -> None:
    """Returns when packets take the path that is to be measured, after the first ones took what there was."""
    left, right = pair
    deadline = monotonic() + PATIENCE
    while (path := left.peer(right)["path"])["kind"] != kind:
        if monotonic() > deadline:
            raise RuntimeError(f"packets never took a {kind} path: {path}")
        sleep(PAUSE)


def _gate_url(node: Node, introduction: Introduction, port: int) -> str:
    api = urlsplit(daemon_file(node.data_dir).api).netloc
    key = app_key(node.data_dir)
    return f"ws://{api}{NET}/{introduction.network}/tcp/{ADDRESSES[1]}/{port}?authToken={key}"
