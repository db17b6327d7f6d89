"""Two machines as members of one network, each in a network namespace of its own, with root's means to misbehave."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

import httpx
import pytest

from bench.peers.golem_vpn import daemon_pair
from bench.peers.introduction import ADDRESSES, introduce
from bench.wire import veth
from golem_vpn.cli.session import app_key, daemon_file
from golem_vpn.sdk.client import DAEMON
from tests.lab.laboratory import DAEMON_PORTS
from tests.lab.nodes import Node

ICMP, UDP = 1, 17
PATIENCE = 15.0

pytestmark = [pytest.mark.network, pytest.mark.root]


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


CAPTURE = """
import socket, sys
packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
packets.bind(("vpn0", 3))
print("ready", flush=True)
sys.stdin.close()
while True:
    packet, (_, _, kind, *_) = packets.recvfrom(65536)
    if kind != socket.PACKET_OUTGOING:
        print(packet.hex(), flush=True)
"""


@contextmanager
def arriving(node: Node) -> Iterator[list[bytes]]:
    """Gives the packets that come out of a node's overlay while this lasts, at its end."""
    packets: list[bytes] = []
    command = node.machine.command([sys.executable, "-c", CAPTURE])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as capture:
        assert capture.stdout is not None
        assert capture.stdout.readline() == "ready\n"
        try:
            yield packets
        finally:
            capture.terminate()
        packets += map(bytes.fromhex, capture.stdout.read().split())


def is_of_a_daemon(packet: bytes) -> bool:
    """Tells whether a packet is UDP from a port that daemons listen at."""
    return packet[9] == UDP and int.from_bytes(packet[20:22], "big") in DAEMON_PORTS


def test_control_connections_are_kept_out_of_the_overlay_by_both_ends(pair: tuple[Node, Node]) -> None:
    left, right = pair
    [network] = left.ask(lambda client: client.networks())
    before = [drops(node)["own_socket"] for node in pair]
    with arriving(right) as packets:
        # An interface that comes is offered to peers, and its addresses are tried by both.
        left.ask(lambda client: client.detach(network.id))
        left.ask(lambda client: client.attach(network.id))
        deadline = monotonic() + PATIENCE
        while any(drops(node)["own_socket"] == count for node, count in zip(pair, before, strict=True)):
            assert monotonic() < deadline, "nobody has tried the addresses of the overlay"
            sleep(0.1)
        assert " 0% packet loss" in left.machine.run("ping", "-n", "-c", "3", "-i", "0.1", "-W", "2", ADDRESSES[1])
    assert sum(packet[9] == ICMP for packet in packets) >= 3
    assert not any(map(is_of_a_daemon, packets))


def test_detach_removes_the_interface(pair: tuple[Node, Node]) -> None:
    left, right = pair
    [network] = left.ask(lambda client: client.networks())
    right.ask(lambda client: client.detach(network.id))
    assert "vpn0" not in right.machine.run("ip", "link")
    right.ask(lambda client: client.attach(network.id))
    assert "vpn0" in right.machine.run("ip", "link")


def test_who_hangs_up_while_waiting_is_not_attached_later(pair: tuple[Node, Node]) -> None:
    left, right = pair
    network = left.ask(lambda client: client.create_network("10.96.0.0/24"))
    api, headers = daemon_file(right.data_dir).api, {"Authorization": f"Bearer {app_key(right.data_dir)}"}
    body = {"networkId": network.id, "interface": "vpn5"}
    with pytest.raises(httpx.ReadTimeout):
        right.machine.call(httpx.post, f"{api}{DAEMON}/attachments?timeout=60", json=body, headers=headers, timeout=0.5)
    left.ask(lambda client: client.add_node(network.id, right.node_id, "10.96.0.3"))
    assert right.ask(lambda client: client.attach(network.id, "vpn6", timeout=15)).interface == "vpn6"
    right.ask(lambda client: client.detach(network.id))
    left.ask(lambda client: client.remove_network(network.id))
