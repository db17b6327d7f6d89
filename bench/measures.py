"""What is measured, each with a program that we did not write: iperf3 and ping."""

import json
import re
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.wire import Host

PORT = 5201


@dataclass(frozen=True, slots=True)
class Measure:
    """One column of the table."""

    name: str
    unit: str
    higher_is_better: bool


MEASURES = (
    Measure("TCP, 1 stream", "Mbit/s", True),
    Measure("TCP, 8 streams", "Mbit/s", True),
    Measure("UDP, 64 bytes", "packets/s", True),
    Measure("UDP, 1200 bytes", "packets/s", True),
    Measure("round trip p50", "µs", False),
    Measure("round trip p99", "µs", False),
    Measure("CPU per GB", "s", False),
)


def measure(left: Host, right: Host, address: str, seconds: float, pids: list[int]) -> dict[str, float]:
    """Measures from `left` to `right`, which answers at `address`; `pids` are the carrier's processes."""
    with _iperf3_server(right, address):
        cpu_before = sum(map(cpu_seconds, pids))
        single = _iperf3(left, address, seconds, "--parallel", "1")
        cpu_after = sum(map(cpu_seconds, pids))
        several = _iperf3(left, address, seconds, "--parallel", "8")
        small = _iperf3(left, address, seconds, "--udp", "--bitrate", "0", "--length", "64")
        large = _iperf3(left, address, seconds, "--udp", "--bitrate", "0", "--length", "1200")
    trips = _round_trips(left, address)
    received = single["end"]["sum_received"]
    return {
        "TCP, 1 stream": received["bits_per_second"] / 1e6,
        "TCP, 8 streams": several["end"]["sum_received"]["bits_per_second"] / 1e6,
        "UDP, 64 bytes": _delivered(small),
        "UDP, 1200 bytes": _delivered(large),
        "round trip p50": statistics.median(trips),
        "round trip p99": statistics.quantiles(trips, n=100)[98],
        "CPU per GB": (cpu_after - cpu_before) / (received["bytes"] / 1e9),
    }


def tcp_throughput(left: Host, right: Host, address: str, seconds: float, control: str | None = None) -> float:
    """Gives the Mbit/s that one stream delivers from `left` to `right`, which answers at `address`.

    Args:
        left: Where it begins.
        right: Where it ends.
        address: Of the right host, on the carrier.
        seconds: How long it lasts.
        control: Its congestion control; the system's own where none is named.
    """
    with _iperf3_server(right, address):
        options = ("--congestion", control) if control else ()
        received = _iperf3(left, address, seconds, *options)["end"]["sum_received"]
    return float(received["bits_per_second"]) / 1e6


@contextmanager
def _iperf3_server(host: Host, address: str) -> Iterator[None]:
    command = host.command(["iperf3", "--server", "--bind", address, "--port", str(PORT)])
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        time.sleep(0.3)
        if server.poll() is not None:
            assert server.stderr is not None
            raise RuntimeError(f"iperf3 did not start: {server.stderr.read().decode().strip()}")
        yield
    finally:
        server.terminate()
        server.wait(5)


def _iperf3(host: Host, address: str, seconds: float, *options: str) -> dict[str, Any]:
    output = host.run(
        "iperf3", "--client", address, "--port", str(PORT), "--connect-timeout", "3000",
        "--time", str(max(1, round(seconds))), "--json", *options, timeout=seconds + 30,
    )  # fmt: skip
    report: dict[str, Any] = json.loads(output)
    return report


def _delivered(report: dict[str, Any]) -> float:
    total = report["end"]["sum"]
    delivered: float = (total["packets"] - total["lost_packets"]) / total["seconds"]
    return delivered


def _round_trips(host: Host, address: str) -> list[float]:
    """Gives the times of 1,000 pings, in microseconds."""
    output = host.run("ping", "-n", "-i", "0.002", "-c", "1000", "-W", "1", address)
    return [1000 * float(text) for text in re.findall(r"time=([0-9.]+) ms", output)]


def cpu_seconds(pid: int) -> float:
    """Gives the processor time that a process has used."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
