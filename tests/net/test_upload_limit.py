"""A daemon sends no more than its line carries, and what is short passes what is long."""

import json
import time

import pytest

from bench.measures.iperf import iperf3, iperf3_server
from bench.measures.round_trips import Trips, pinging
from bench.peers.golem_vpn import daemon_pair
from bench.peers.introduction import hosts_inside, introduce
from bench.wire import Host, nic_like

pytestmark = [pytest.mark.network, pytest.mark.root]

MEGABITS = 20.0
SECONDS = 3.0
CREDIT = 0.1
"""Seconds of the line that may be added at both ends of what was counted."""
ETHERNET = 14 / 1000
"""The part of a datagram that the interface counts and the limit does not, at most."""


def sent_bytes(host: Host) -> int:
    """Gives what a host has put on the wire."""
    told = host.machine.run("ip", "-json", "-statistics", "link", "show", host.interface)
    count: int = json.loads(told)[0]["stats64"]["tx"]["bytes"]
    return count


@pytest.mark.parametrize(
    ("total", "options"),
    [("sum_received", ()), ("sum", ("--udp", "--bitrate", "100M", "--length", "1200"))],
    ids=["a stream", "a flood"],
)
def test_no_more_is_sent_than_told_and_pings_pass(total: str, options: tuple[str, ...]) -> None:
    with nic_like() as wire, daemon_pair(wire, "--upload-limit", str(MEGABITS)) as nodes:
        introduce(*nodes)
        left, right = hosts_inside(nodes)
        with iperf3_server(right, right.address), pinging(left, right.address) as end_pings:
            before, began = sent_bytes(wire.left), time.time()
            end = iperf3(left, right.address, SECONDS, total, *options)
            sent, ended = sent_bytes(wire.left) - before, time.time()
            trips = Trips.between(began, ended, end_pings())
    assert end[total]["bytes"] > 0
    assert sent * 8 <= MEGABITS * 1e6 * (ended - began + CREDIT) * (1 + ETHERNET)
    assert trips.lost_percent < 10
