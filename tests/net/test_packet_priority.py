"""The packet thread runs before other programs beside heavy streams, and only then."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import pytest

from bench.measures.iperf import iperf3, iperf3_server
from bench.peers.golem_vpn import daemon_pair
from bench.peers.introduction import ADDRESSES, hosts_inside, introduce
from bench.wire import veth
from golem_vpn._native import probe
from golem_vpn.cli.session import daemon_file
from tests.lab.nodes import Node

pytestmark = [pytest.mark.network, pytest.mark.root]

SECONDS = 2.0
POLICY = 38
"""Of the fields of `/proc/PID/stat` after the name (proc(5))."""

is_possible = pytest.mark.skipif(
    not probe()["real_time"] or os.cpu_count() == 1,
    reason="this machine does not let the packet thread run in real time",
)


@pytest.fixture(params=[(), ("--without", "priority")], ids=["as it is", "left out"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[bool, tuple[Node, Node]]]:
    with veth() as wire, daemon_pair(wire, *request.param) as nodes:
        introduce(*nodes)
        yield not request.param, nodes


def policy(node: Node) -> int:
    """Gives the scheduling policy of a daemon's packet thread."""
    for task in Path(f"/proc/{daemon_file(node.data_dir).pid}/task").iterdir():
        if (task / "comm").read_text().strip() == "golem-vpn-data":
            return int((task / "stat").read_text().rpartition(")")[2].split()[POLICY])
    raise AssertionError("there is no packet thread")


def policies_under_load(nodes: tuple[Node, Node], total: str, *options: str) -> set[int]:
    """Loads the way from the first node to the second by iperf3, which reports a total.

    Returns:
        Which policies their packet threads had meanwhile.
    """
    sender, receiver = hosts_inside(nodes)
    seen: set[int] = set()
    with iperf3_server(receiver, receiver.address), ThreadPoolExecutor(1) as load:
        sending = load.submit(iperf3, sender, receiver.address, SECONDS, total, *options)
        while not sending.done():
            seen.update(policy(node) for node in nodes)
            sleep(0.02)
        assert sending.result()[total]["bytes"] > 0
    return seen


@is_possible
def test_the_packet_thread_runs_in_real_time_beside_streams_alone(pair: tuple[bool, tuple[Node, Node]]) -> None:
    is_wanted, (left, right) = pair
    assert policy(left) == policy(right) == os.SCHED_OTHER
    assert (os.SCHED_RR in policies_under_load((left, right), "sum_received")) == is_wanted
    sleep(0.1)
    left.machine.run("ping", "-n", "-c", "3", "-i", "0.1", ADDRESSES[1])
    assert policy(left) == policy(right) == os.SCHED_OTHER


@is_possible
@pytest.mark.parametrize("length", [64, 1200])
def test_a_flood_of_datagrams_leaves_the_processor_to_its_receiver(
    pair: tuple[bool, tuple[Node, Node]], length: int
) -> None:
    options = ("--udp", "--bitrate", "0", "--length", str(length))
    assert policies_under_load(pair[1], "sum", *options) == {os.SCHED_OTHER}
