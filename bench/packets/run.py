"""The part `packets` of the benchmarks."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from rich.console import Console

from bench.measures.iperf import iperf3_version
from bench.measures.nuttcp import nuttcp_version
from bench.packets.compare import compare
from bench.packets.figures import Results
from bench.packets.plan import Plan
from bench.packets.plot import plot
from bench.packets.sittings import Sitting
from bench.packets.tables import results_table, targets_table
from bench.packets.targets import Judgement, judge
from bench.report import RESULTS, busy_percent, machine


@dataclass(frozen=True, slots=True)
class Written:
    """Where a run's results are."""

    figures: Path
    plot: Path


def run_packets(console: Console, sittings: Sequence[Sitting], plan: Plan) -> Written:
    """Measures, prints tables, and writes everything to files.

    Raises:
        FileNotFoundError: a program is missing.
    """
    busy = busy_percent()
    began = monotonic()
    results = compare(plan.cut(sittings), plan)
    judgements = judge(results)
    for wire in results.wires():
        console.print(results_table(results, wire))
    for contestant, details in results.details.items():
        console.print(f"{contestant}: {details}", highlight=False)
    if any(judgement.reached is not None for judgement in judgements):
        console.print(targets_table(judgements))
    for failure in results.failures:
        console.print(f"failed: {failure}", style="red", markup=False)
    console.print(f"{plan.describe()}; took {monotonic() - began:.0f} s", highlight=False)
    console.print(f"before that, {busy:.0f} % of the processors' time was in use by others", highlight=False)
    RESULTS.mkdir(parents=True, exist_ok=True)
    written = Written(RESULTS / "packets.json", RESULTS / "packets.svg")
    written.figures.write_text(
        json.dumps({"busyPercentBefore": busy} | _content(results, judgements, plan), indent=2) + "\n"
    )
    written.plot.write_text(plot(results, f"{machine()['processor']}, Linux {machine()['kernel']}; {plan.describe()}"))
    return written


def _content(results: Results, judgements: Sequence[Judgement], plan: Plan) -> dict[str, Any]:
    return {
        "machine": machine(),
        "loads": f"{iperf3_version()}, {nuttcp_version()}",
        "plan": plan.describe(),
        "contestants": results.details,
        "failures": results.failures,
        "figures": [
            {
                "wire": row.wire,
                "contestant": row.contestant,
                "measure": row.measure.name,
                "unit": row.measure.unit,
                "median": row.median,
                "least": min(row.values),
                "most": max(row.values),
                "rounds": row.values,
            }
            for row in results.rows()
        ],
        "targets": [
            {
                "wire": judgement.target.wire,
                "measure": judgement.target.measure.name,
                "of": judgement.target.subject,
                "against": judgement.target.peer,
                "bound": judgement.target.bound,
                "at": "least" if judgement.target.measure.higher_is_better else "most",
                "reached": judgement.reached,
                "met": judgement.met,
            }
            for judgement in judgements
        ],
    }
