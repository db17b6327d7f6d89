"""Round-trip times by `ping`: alone, and beside a load."""

import re
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.link import Link
from bench.measures.procedure import Figures, Measure, Procedure
from bench.wire import Host, Wire

INTERVAL = 0.002
PATIENCE = 10.0
LIMIT = 1.0
"""Seconds after which an answer counts as lost; a lost one counts as this long."""
RAMP = 0.3
"""Seconds that a load takes to begin."""
ANSWER = re.compile(r"\[(?P<moment>[0-9.]+)\] .* icmp_seq=(?P<number>\d+) .* time=(?P<milliseconds>[0-9.]+) ms")


class Trips:
    """Answers by their number: when each arrived, and its time in seconds."""

    def __init__(self, output: str) -> None:
        self._answers = {
            int(found["number"]): (float(found["moment"]), float(found["milliseconds"]) / 1000)
            for found in ANSWER.finditer(output)
        }

    def between(self, begin: float, end: float) -> list[float]:
        """Gives the times of the pings that were sent between two moments, lost ones included.

        Raises:
            RuntimeError: none was answered.
        """
        sent = {number: (moment - taken, taken) for number, (moment, taken) in self._answers.items()}
        inside = {number: taken for number, (moment, taken) in sent.items() if begin <= moment <= end}
        if not inside:
            raise RuntimeError("no ping was answered")
        return [inside.get(number, LIMIT) for number in range(min(inside), max(inside) + 1)]


@contextmanager
def pinging(host: Host, address: str) -> Iterator[Callable[[], Trips]]:
    """Pings from a host all the while; what it gives ends that and tells what came back."""
    command = host.machine.command(["ping", "-n", "-D", "-i", str(INTERVAL), "-W", str(LIMIT), address])
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def end() -> Trips:
        process.send_signal(signal.SIGINT)
        return Trips(process.communicate(timeout=PATIENCE)[0])

    try:
        yield end
    finally:
        if process.returncode is None:
            process.kill()
            process.communicate()


def percentiles(times: list[float]) -> tuple[float, float]:
    """Gives the median and the 99th percentile, in microseconds."""
    points = statistics.quantiles(times, n=100, method="inclusive")
    return points[49] * 1e6, points[98] * 1e6


IDLE_P50 = Measure("round trip p50, idle", "µs", False)
IDLE_P99 = Measure("round trip p99, idle", "µs", False)


def _measure_idle(wire: Wire, link: Link, seconds: float) -> Figures:
    began = time.time()
    with pinging(wire.left, link.address) as end:
        time.sleep(RAMP + seconds)
        times = end().between(began + RAMP, began + RAMP + seconds)
    return dict(zip((IDLE_P50, IDLE_P99), percentiles(times), strict=True))


IDLE = Procedure("round trips, idle", (IDLE_P50, IDLE_P99), _measure_idle)
