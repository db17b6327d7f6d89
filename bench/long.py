"""The part `long` of the benchmarks: one TCP stream for minutes, whose sessions are renewed every few seconds."""

import json
import statistics
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.measures.iperf import PORT, iperf3_server
from bench.measures.processes import resident_bytes
from bench.peers.golem_vpn import daemon_pair
from bench.peers.introduction import ADDRESSES, introduce
from bench.report import RESULTS, machine
from bench.wire import Wire, veth
from golem_vpn.cli.session import daemon_file
from tests.lab.nodes import Node

REKEY_SECONDS = 3
WINDOW_SECONDS = 10
SAMPLE_SECONDS = 1.0
FLAT = 1 << 20
"""Bytes by which the memory of a process may differ and still be flat."""
POLICY = ("_full", "_late")
"""How the names of drops end that a queue makes because it is bounded in length or in time."""


@dataclass(slots=True)
class Sample:
    """What one look at both daemons found."""

    seconds: float
    resident: list[int]
    """Bytes of each daemon, the sender's first."""
    session_age: float
    drops: dict[str, int]
    """Of both daemons, by reason."""


@dataclass(slots=True)
class Run:
    """All of it."""

    samples: list[Sample]
    rates: list[float]
    """Mbit/s sent in each window."""
    retransmits: int
    kernel: dict[str, int]
    """What the kernels of both machines dropped around the daemons, by reason."""
    machine: dict[str, str] = field(default_factory=machine)

    @property
    def rekeys(self) -> int:
        """How often a session had a successor."""
        return self._rekeys(0, self.samples[-1].seconds + 1)

    @property
    def drops(self) -> dict[str, int]:
        """What was dropped between the first sample and the last, by reason."""
        first, last = self.samples[0].drops, self.samples[-1].drops
        return {reason: count - first.get(reason, 0) for reason, count in last.items() if count > first.get(reason, 0)}

    def growth(self, daemon: int) -> float:
        """Gives the bytes by which a daemon grew from the second quarter of the time to the last."""
        quarter = max(1, len(self.samples) // 4)
        resident = [sample.resident[daemon] for sample in self.samples]
        return statistics.median(resident[-quarter:]) - statistics.median(resident[quarter : 2 * quarter])

    def windows(self) -> Iterator[tuple[str, ...]]:
        """Gives a row of the table for each window: until when, Mbit/s, MiB of both, rekeys."""
        for number, rate in enumerate(self.rates):
            begin, end = number * WINDOW_SECONDS, (number + 1) * WINDOW_SECONDS
            inside = [sample for sample in self.samples if begin <= sample.seconds < end]
            if inside:
                memory = [f"{max(sample.resident[daemon] for sample in inside) / 2**20:.1f}" for daemon in (0, 1)]
                yield str(end), f"{rate:,.0f}", *memory, str(self._rekeys(begin, end))

    def _rekeys(self, begin: float, end: float) -> int:
        pairs = zip(self.samples, self.samples[1:], strict=False)
        return sum(then.session_age < before.session_age for before, then in pairs if begin <= then.seconds < end)


def run_long(console: Console, seconds: int) -> Path:
    """Measures, prints, and gives where it was written.

    Raises:
        FileNotFoundError: there is no `iperf3`.
    """
    with veth() as wire, daemon_pair(wire, "--rekey-after", str(REKEY_SECONDS)) as (left, right):
        introduce(left, right)
        run = _measure(wire, left, right, seconds)
    _print(console, run)
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / "long.json"
    path.write_text(json.dumps(asdict(run) | {"rekeys": run.rekeys, "drops": run.drops}, indent=2) + "\n")
    return path


def _measure(wire: Wire, left: Node, right: Node, seconds: int) -> Run:
    before = _kernel_drops(left, right)
    options = ["--connect-timeout", "5000", "--interval", str(WINDOW_SECONDS), "--json"]
    load = ["iperf3", "--client", ADDRESSES[1], "--port", str(PORT), "--time", str(seconds), *options]
    with iperf3_server(wire.right, ADDRESSES[1]):
        client = subprocess.Popen(left.machine.command(load), stdout=subprocess.PIPE, text=True)
        try:
            samples = _watch((left, right), client, seconds + 30)
            report = json.loads(client.communicate(timeout=30)[0])
        finally:
            client.kill()
    if "error" in report:
        raise RuntimeError(f"iperf3: {report['error']}")
    rates = [interval["sum"]["bits_per_second"] / 1e6 for interval in report["intervals"]]
    kernel = _kernel_drops(left, right)
    kernel.subtract(before)
    return Run(samples, rates, report["end"]["sum_sent"]["retransmits"], dict(kernel))


def _kernel_drops(*nodes: Node) -> Counter[str]:
    """Tells what kernels dropped so far as a daemon did not read in time, or an interface was full."""
    drops = Counter[str]()
    for node in nodes:
        names, values = (
            line.split() for line in node.machine.run("cat", "/proc/net/snmp").splitlines() if line.startswith("Udp:")
        )
        udp = dict(zip(names, values, strict=True))
        drops["udp_receive_buffer_full"] += int(udp["RcvbufErrors"])
        drops["udp_send_buffer_full"] += int(udp["SndbufErrors"])
        for interface in ("wire0", "vpn0"):
            [link] = json.loads(node.machine.run("ip", "-json", "-statistics", "link", "show", "dev", interface))
            counted = link["stats64"]
            drops[f"{interface}_dropped"] += counted["tx"]["dropped"] + counted["rx"]["dropped"]
    return drops


def _watch(nodes: tuple[Node, Node], load: "subprocess.Popen[str]", patience: float) -> list[Sample]:
    """Looks at both daemons again and again while the load runs."""
    begin, samples = monotonic(), list[Sample]()
    while load.poll() is None and monotonic() - begin < patience:
        samples.append(_sample(nodes, monotonic() - begin))
        sleep(SAMPLE_SECONDS)
    return samples


def _sample(nodes: tuple[Node, Node], seconds: float) -> Sample:
    told: list[dict[str, Any]] = [node.ask(lambda client: client.status()) for node in nodes]
    drops = Counter[str]()
    for status in told:
        drops.update(status["drops"])
    ages = [link["sessionAge"] for peer in told[0]["peers"] for link in peer["networks"]]
    return Sample(
        seconds,
        [resident_bytes(daemon_file(node.data_dir).pid) for node in nodes],
        min(filter(None, ages), default=0.0),
        dict(drops),
    )


def _print(console: Console, run: Run) -> None:
    table = Table(title=f"one TCP stream over a veth, new keys each {REKEY_SECONDS} s")
    for column in ("until, s", "Mbit/s", "sender, MiB", "receiver, MiB", "rekeys"):
        table.add_column(column, justify="right")
    for row in run.windows():
        table.add_row(*row)
    console.print(table)
    for daemon, name in enumerate(("sender", "receiver")):
        grown = run.growth(daemon)
        verdict = "stayed flat" if grown <= FLAT else "grew"
        console.print(f"memory of the {name} {verdict}: {grown / 2**20:+.2f} MiB from the second quarter to the last")
    queued = {reason: count for reason, count in run.drops.items() if reason.endswith(POLICY)}
    others = {reason: count for reason, count in run.drops.items() if reason not in queued}
    console.print(f"{run.rekeys} rekeys, {run.retransmits} retransmissions of TCP")
    console.print(f"dropped by queues: {_listed(queued)}; for other reasons: {_listed(others)}")
    console.print(f"dropped by the kernel: {_listed(run.kernel)}")


def _listed(drops: dict[str, int]) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in sorted(drops.items()) if count) or "nothing"
