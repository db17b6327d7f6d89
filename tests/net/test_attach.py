"""Two machines as members of one network, each in a network namespace of its own, with root's means to misbehave."""

import json
import os
import re
import textwrap
from collections.abc import Iterator

import pytest

from bench.peers.golem_vpn import ADDRESSES, Node, attached_pair
from bench.wire import plain_veth

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(os.geteuid() != 0, reason="host interfaces need root"),
]

REPLAY = textwrap.dedent("""
    import socket, sys, time
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    wire.bind((sys.argv[1], 0))
    wire.settimeout(5)
    seen = []
    trigger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while len(seen) < 5:
        trigger.sendto(b"something to carry", (sys.argv[2], 9))
        frame, (_, _, kind, *_) = wire.recvfrom(65535)
        if kind == socket.PACKET_OUTGOING and frame[23:24] == b"\\x11" and frame[42:46] == b"\\x04\\0\\0\\0":
            # The checksum was left to the interface; zero says that there is none (RFC 768).
            seen.append(frame[:40] + bytes(2) + frame[42:])
    for frame in seen:
        wire.send(frame)
    time.sleep(0.2)
""")


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Node, Node]]:
    with plain_veth() as wire, attached_pair(wire) as nodes:
        yield nodes


def drops(node: Node) -> dict[str, int]:
    """Gives a node's counters of dropped packets, by reason."""
    counted: dict[str, int] = json.loads(node.command("status", "--json"))["drops"]
    return counted


def test_attached_machines_reach_each_other(pair: tuple[Node, Node]) -> None:
    left, right = pair
    for node, address in ((left, ADDRESSES[1]), (right, ADDRESSES[0])):
        output = node.host.run("ping", "-n", "-c", "3", "-i", "0.1", "-W", "2", address)
        assert " 0% packet loss" in output


def test_a_spoofed_source_is_dropped_and_counted_where_it_is_sent(pair: tuple[Node, Node]) -> None:
    left, _ = pair
    before = drops(left)
    left.host.run("ip", "address", "add", "10.97.0.77/32", "dev", "vpn0")
    output = left.host.run("sh", "-c", f"ping -n -c 2 -i 0.1 -W 1 -I 10.97.0.77 {ADDRESSES[1]} || true")
    left.host.run("ip", "address", "delete", "10.97.0.77/32", "dev", "vpn0")
    assert " 0 received" in output
    risen = {reason for reason, count in drops(left).items() if count > before[reason]}
    assert any(re.search("source|spoof", reason) for reason in risen), risen


def test_a_replayed_datagram_is_dropped_and_counted(pair: tuple[Node, Node]) -> None:
    left, right = pair
    left.host.run("ping", "-n", "-c", "1", "-W", "2", ADDRESSES[1])
    before = drops(right)
    left.host.run("/usr/bin/python3", "-I", "-c", REPLAY, left.host.interface, ADDRESSES[1])
    risen = {reason: count - before[reason] for reason, count in drops(right).items() if count > before[reason]}
    assert risen.get("replayed", 0) >= 5, risen


def test_what_crosses_the_wire_is_not_the_payload(pair: tuple[Node, Node]) -> None:
    left, _ = pair
    listen = textwrap.dedent("""
        import socket, sys, time
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        wire.bind((sys.argv[1], 0))
        wire.settimeout(0.2)
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        frames = 0
        for _ in range(20):
            sender.sendto(b"plain text, plain text, plain text", (sys.argv[2], 9))
            try:
                frame = wire.recv(65535)
            except TimeoutError:
                continue
            frames += 1
            assert b"plain text" not in frame
        assert frames
    """)
    left.host.run("/usr/bin/python3", "-I", "-c", listen, left.host.interface, ADDRESSES[1])


def test_detach_removes_the_interface(pair: tuple[Node, Node]) -> None:
    left, right = pair
    network = json.loads(left.command("network", "ls", "--json"))[0]["id"]
    right.command("detach", network)
    assert "vpn0" not in right.host.run("ip", "link")
    right.command("attach", network)
    assert "vpn0" in right.host.run("ip", "link")
