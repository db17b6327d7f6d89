"""What TCP streams and floods of datagrams reach."""

import time
from functools import partial

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
CPU_PER_GB = {count: Measure(f"CPU per GB of TCP, both ends, {name}", "s", False) for count, name in STREAMS.items()}
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


def _measure_tcp(count: int, wire: Wire, link: Link, seconds: float) -> Figures:
    """Has a ping go beside the streams: it takes little of what they take, and both are measured in one go."""
    before = _cpu_of(link)
    with iperf3_server(wire.right, link.address):
        began = time.time()
        with pinging(wire.left, link.address) as end_pings:
            end = iperf3(wire.left, link.address, seconds, "sum_received", "--parallel", str(count))
            trips = Trips.between(began + RAMP, began + seconds, end_pings())
    received = end["sum_received"]
    gigabytes = received["bytes"] / 1e9
    p50, p99 = trips.percentiles
    figures: Figures = {
        TCP_FORTH[count]: received["bits_per_second"] / 1e6,
        LOADED_P50[count]: p50,
        LOADED_P99[count]: p99,
        LOST[count]: trips.lost_percent,
        SENT_AGAIN[count]: end["sum_sent"]["retransmits"] / gigabytes,
    }
    if link.carriers:
        figures[CPU_PER_GB[count]] = (_cpu_of(link) - before) / gigabytes
    return figures


def _measure_tcp_back(count: int, wire: Wire, link: Link, seconds: float) -> Figures:
    with iperf3_server(wire.right, link.address):
        end = iperf3(wire.left, link.address, seconds, "sum_received", "--reverse", "--parallel", str(count))
    return {TCP_BACK[count]: end["sum_received"]["bits_per_second"] / 1e6}


def _flood_by_iperf3(length: int, wire: Wire, link: Link, seconds: float) -> Figures:
    """Has the sender offer as much as it can, and the receiver keep what comes while it waits for a processor."""
    options = ("--udp", "--bitrate", "0", "--length", str(length), "--window", str(_window()))
    with iperf3_server(wire.right, link.address):
        total = iperf3(wire.left, link.address, seconds, "sum", *options)["sum"]
    return {IPERF3_DATAGRAMS[length]: (total["packets"] - total["lost_packets"]) / total["seconds"]}


def _flood_by_nuttcp(length: int, wire: Wire, link: Link, seconds: float) -> Figures:
    """Does the same with a program that takes less for each datagram than to carry one."""
    with nuttcp_server(wire.right):
        return {NUTTCP_DATAGRAMS[length]: nuttcp_flood(wire.left, link.address, seconds, length, _window())}


def _window() -> int:
    return min(WINDOW, longest_window())


def _cpu_of(link: Link) -> float:
    return sum(cpu_seconds(carrier.pid) for carrier in link.carriers)


TCP = tuple(
    Procedure(
        f"TCP, {name}, and round trips beside",
        tuple(measures[count] for measures in (TCP_FORTH, SENT_AGAIN, CPU_PER_GB, LOADED_P50, LOADED_P99, LOST)),
        partial(_measure_tcp, count),
    )
    for count, name in STREAMS.items()
)
TCP_REVERSE = tuple(
    Procedure(measure.name, (measure,), partial(_measure_tcp_back, count)) for count, measure in TCP_BACK.items()
)
UDP_BY_IPERF3 = tuple(
    Procedure(measure.name, (measure,), partial(_flood_by_iperf3, length))
    for length, measure in IPERF3_DATAGRAMS.items()
)
UDP_BY_NUTTCP = tuple(
    Procedure(measure.name, (measure,), partial(_flood_by_nuttcp, length))
    for length, measure in NUTTCP_DATAGRAMS.items()
)
UDP = (*UDP_BY_IPERF3, *UDP_BY_NUTTCP)
