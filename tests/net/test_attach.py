"""Two machines as members of one network, each in a network namespace of its own, with root's means to misbehave."""

import os
import re
from collections.abc import Iterator

import pytest

from bench.peers.golem_vpn import daemon_pair
from bench.peers.introduction import ADDRESSES, introduce
from bench.wire import veth
from tests.lab.nodes import Node

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(os.geteuid() != 0, reason="host interfaces need root"),
]


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Node, Node]]:
    with veth() as wire, daemon_pair(wire) as nodes:
        introduce(*nodes)
        yield nodes


def drops(node: Node) -> dict[str, int]:
    """Gives a node's counters of dropped packets, by reason."""
    counted: dict[str, int] = node.ask(lambda client: client.status())["drops"]
    return counted


def test_attached_machines_reach_each_other(pair: tuple[Node, Node]) -> None:
    left, right = pair
    for node, address in ((left, ADDRESSES[1]), (right, ADDRESSES[0])):
        output = node.machine.run("ping", "-n", "-c", "3", "-i", "0.1", "-W", "2", address)
        assert " 0% packet loss" in output


def test_a_spoofed_source_is_dropped_and_counted_where_it_is_sent(pair: tuple[Node, Node]) -> None:
    left, _ = pair
    before = drops(left)
    left.machine.run("ip", "address", "add", "10.97.0.77/32", "dev", "vpn0")
    output = left.machine.run("sh", "-c", f"ping -n -c 2 -i 0.1 -W 1 -I 10.97.0.77 {ADDRESSES[1]} || true")
    left.machine.run("ip", "address", "delete", "10.97.0.77/32", "dev", "vpn0")
    assert " 0 received" in output
    risen = {reason for reason, count in drops(left).items() if count > before[reason]}
    assert any(re.search("source|spoof", reason) for reason in risen), risen


def test_detach_removes_the_interface(pair: tuple[Node, Node]) -> None:
    left, right = pair
    [network] = left.ask(lambda client: client.networks())
    right.ask(lambda client: client.detach(network.id))
    assert "vpn0" not in right.machine.run("ip", "link")
    right.ask(lambda client: client.attach(network.id))
    assert "vpn0" in right.machine.run("ip", "link")
