"""What TCP streams and floods of datagrams reach."""

import time

from bench.link import Link
from bench.measures.iperf import iperf3, iperf3_server, longest_window
from bench.measures.nuttcp import nuttcp_flood, nuttcp_server
from bench.measures.procedure import Figures, Measure, Procedure
from bench.measures.processes import cpu_seconds
from bench.measures.round_trips import RAMP, Trips, pinging
from bench.wire import Host, Wire

STREAMS = {1: "1 stream", 8: "8 streams"}
DATAGRAM_BYTES = (64, 1200)
WINDOW = 4 << 20
"""Bytes of the sockets' buffers, if the system permits as many."""

TCP_FORTH = {count: Measure(f"TCP, {name}", "Mbit/s", True) for count, name in STREAMS.items()}
TCP_BACK = {count: Measure(f"TCP, {name}, reverse", "Mbit/s", True) for count, name in STREAMS.items()}
LOADED_P50 = {count: Measure(f"round trip p50, beside {name}", "µs", False) for count, name in STREAMS.items()}
LOADED_P99 = {count: Measure(f"round trip p99, beside {name}", "µs", False) for count, name in STREAMS.items()}
LOST = {count: Measure(f"pings lost, beside {name}", "%", False) for count, name in STREAMS.items()}
SENT_AGAIN = {count: Measure(f"TCP, {name}, sent again", "segments/GB", False) for count, name in STREAMS.items()}
CPU_PER_GB = Measure("CPU per GB of TCP, both ends", "s", False)
IPERF3_DATAGRAMS = {length: Measure(f"UDP, {length} bytes, to iperf3", "packets/s", True) for length in DATAGRAM_BYTES}
NUTTCP_DATAGRAMS = {length: Measure(f"UDP, {length} bytes, to nuttcp", "packets/s", True) for length in DATAGRAM_BYTES}
DATAGRAMS = (*IPERF3_DATAGRAMS.values(), *NUTTCP_DATAGRAMS.values())


def tcp_throughput(left: Host, right: Host, address: str, seconds: float, control: str | None = None) -> float:
    """Gives the Mbit/s that one stream delivers from `left` to `right`, which answers at `address`.

    Args:
        left: Where it begins.
        right: Where it ends.
        address: Of the right host, on the carrier.
        seconds: How long it lasts.
        control: Its congestion control; the system's own where none is named.
    """
    with iperf3_server(right, address):
        options = ("--congestion", control) if control else ()
        end = iperf3(left, address, seconds, "sum_received", *options)
    return float(end["sum_received"]["bits_per_second"]) / 1e6


def _measure_tcp(wire: Wire, link: Link, seconds: float) -> Figures:
    """Has a ping go beside the streams: it takes little of what they take, and both are measured in one go."""
    figures: Figures = {}
    carried = 0.0
    before = _cpu_of(link)
    with iperf3_server(wire.right, link.address):
        for count in STREAMS:
            began = time.time()
            with pinging(wire.left, link.address) as end_pings:
                end = iperf3(wire.left, link.address, seconds, "sum_received", "--parallel", str(count))
                trips = Trips.between(began + RAMP, began + seconds, end_pings())
            received = end["sum_received"]
            figures[TCP_FORTH[count]] = received["bits_per_second"] / 1e6
            figures[LOADED_P50[count]], figures[LOADED_P99[count]] = trips.percentiles
            figures[LOST[count]] = trips.lost_percent
            figures[SENT_AGAIN[count]] = end["sum_sent"]["retransmits"] / (received["bytes"] / 1e9)
            carried += received["bytes"]
    if link.carriers:
        figures[CPU_PER_GB] = (_cpu_of(link) - before) / (carried / 1e9)
    return figures


def _measure_tcp_back(wire: Wire, link: Link, seconds: float) -> Figures:
    figures: Figures = {}
    with iperf3_server(wire.right, link.address):
        for count, measure in TCP_BACK.items():
            options = ("--reverse", "--parallel", str(count))
            end = iperf3(wire.left, link.address, seconds, "sum_received", *options)
            figures[measure] = end["sum_received"]["bits_per_second"] / 1e6
    return figures


def _measure_udp(wire: Wire, link: Link, seconds: float) -> Figures:
    """Has the sender offer as much as it can, and the receiver keep what comes while it waits for a processor.

    What iperf3 does for each datagram takes longer than to carry one, so two programs are asked.
    """
    figures: Figures = {}
    window = min(WINDOW, longest_window())
    with iperf3_server(wire.right, link.address):
        for length, measure in IPERF3_DATAGRAMS.items():
            options = ("--udp", "--bitrate", "0", "--length", str(length), "--window", str(window))
            total = iperf3(wire.left, link.address, seconds, "sum", *options)["sum"]
            figures[measure] = (total["packets"] - total["lost_packets"]) / total["seconds"]
    with nuttcp_server(wire.right):
        for length, measure in NUTTCP_DATAGRAMS.items():
            figures[measure] = nuttcp_flood(wire.left, link.address, seconds, length, window)
    return figures


def _cpu_of(link: Link) -> float:
    return sum(cpu_seconds(carrier.pid) for carrier in link.carriers)


TCP = Procedure(
    "TCP, and round trips beside it",
    (*TCP_FORTH.values(), *SENT_AGAIN.values(), CPU_PER_GB, *LOADED_P50.values(), *LOADED_P99.values(), *LOST.values()),
    _measure_tcp,
)
TCP_REVERSE = Procedure("TCP, reverse", tuple(TCP_BACK.values()), _measure_tcp_back)
UDP = Procedure("UDP", DATAGRAMS, _measure_udp)
