"""The part `net` of the benchmarks."""

import json
from pathlib import Path

from rich.console import Console

from bench.net.outages import measure_outages, outages_table
from bench.net.queues import as_json, measure_queues, queues_table
from bench.net.relayed import measure_relayed, relayed_table
from bench.net.streams import Plan, measure_streams, streams_table
from bench.report import RESULTS, machine

QUICK = Plan(rounds=1, seconds=4.0)
FULL = Plan(rounds=3, seconds=10.0)


def run_net(console: Console, *, quick: bool, rounds: int | None) -> Path:
    """Measures all of it, prints it, and gives where it was written.

    Raises:
        FileNotFoundError: a program is missing.
    """
    plan = QUICK if quick else FULL
    if rounds is not None:
        plan = Plan(rounds, plan.seconds)
    progress = Console(stderr=True)
    outages = measure_outages(plan.rounds, progress)
    relayed = measure_relayed(plan.rounds, plan.seconds, progress)
    streams = measure_streams(plan, progress)
    queues = measure_queues(plan, progress)
    for table in (outages_table(outages), relayed_table(relayed), streams_table(streams), queues_table(queues)):
        console.print(table)
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / "net.json"
    content = {
        "machine": machine(),
        "outages in seconds": outages,
        "throughput in Mbit/s": relayed,
        "TCP inside in Mbit/s": streams,
        "pings beside TCP, in ms": as_json(queues),
    }
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path
