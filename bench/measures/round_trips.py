"""Round-trip times by `ping`: alone, and beside a load."""

import re
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.link import Link
from bench.measures.procedure import Figures, Measure, Procedure
from bench.wire import Host, Wire

EACH_11_MS = ("-i", "0.011")
"""The shortest pace that `ping` keeps without spinning, which would take a processor from those that carry."""
WHEN_ANSWERED = ("-A",)
PATIENCE = 10.0
LIMIT = "1"
"""Seconds after which an answer counts as lost."""
FEW = 20
RAMP = 0.3
"""Seconds that a load takes to begin."""
ANSWER = re.compile(r"\[(?P<moment>[0-9.]+)\] .* icmp_seq=(?P<number>\d+) .* time=(?P<milliseconds>[0-9.]+) ms")


@dataclass(frozen=True, slots=True)
class Trips:
    """The pings that were sent between two moments."""

    answered: tuple[float, ...]
    """Seconds that each answer took."""
    sent: int

    @classmethod
    def between(cls, begin: float, end: float, output: str) -> "Trips":
        """Reads what `ping -D` printed.

        Raises:
            RuntimeError: too few were answered to speak of percentiles.
        """
        answers = {}
        for found in ANSWER.finditer(output):
            taken = float(found["milliseconds"]) / 1000
            if begin <= float(found["moment"]) - taken <= end:
                answers[int(found["number"])] = taken
        if len(answers) < FEW:
            raise RuntimeError(f"{len(answers)} pings were answered; more are needed to tell percentiles")
        return cls(tuple(answers.values()), max(answers) - min(answers) + 1)

    @property
    def percentiles(self) -> tuple[float, float]:
        """The median and the 99th percentile, in microseconds."""
        points = statistics.quantiles(self.answered, n=100, method="inclusive")
        return points[49] * 1e6, points[98] * 1e6

    @property
    def lost_percent(self) -> float:
        """The part that was never answered."""
        return 100 * (1 - len(self.answered) / self.sent)


@contextmanager
def pinging(host: Host, address: str, pace: Sequence[str] = EACH_11_MS) -> Iterator[Callable[[], str]]:
    """Pings from a host all the while; what it gives ends that, and gives what was printed."""
    command = host.machine.command(["ping", "-n", "-D", *pace, "-W", LIMIT, address])
    # A pipe would be full before anybody reads it.
    with tempfile.TemporaryFile("w+") as printed, subprocess.Popen(command, stdout=printed) as process:

        def end() -> str:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)
            printed.seek(0)
            return printed.read()

        try:
            yield end
        finally:
            if process.returncode is None:
                process.kill()


IDLE_P50 = Measure("round trip p50, idle", "µs", False)
IDLE_P99 = Measure("round trip p99, idle", "µs", False)


def _measure_idle(wire: Wire, link: Link, seconds: float) -> Figures:
    """Asks again as soon as it is answered, since a pace as short as that makes `ping` spin."""
    began = time.time()
    with pinging(wire.left, link.address, WHEN_ANSWERED) as end:
        time.sleep(RAMP + seconds)
        trips = Trips.between(began + RAMP, began + RAMP + seconds, end())
    return dict(zip((IDLE_P50, IDLE_P99), trips.percentiles, strict=True))


IDLE = Procedure("round trips, idle", (IDLE_P50, IDLE_P99), _measure_idle)
