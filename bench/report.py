"""Turns the rounds into medians, ratios, a table and a JSON file."""

import json
import platform
import statistics
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.measures import MEASURES

OURS = "golem-vpn"
RESULTS = Path("bench/results")


@dataclass(slots=True)
class Report:
    """What every peer reached in every round."""

    rounds: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)

    def add(self, peer: str, details: str, values: dict[str, float]) -> None:
        """Takes one round's values of one peer."""
        self.rounds.setdefault(peer, []).append(values)
        self.details[peer] = details

    def median(self, peer: str, measure: str) -> float:
        """Gives a peer's median over the rounds."""
        return statistics.median(values[measure] for values in self.rounds[peer])

    def table(self) -> Table:
        """Draws medians with spread, and our ratio to each peer."""
        others = [peer for peer in self.rounds if peer != OURS]
        table = Table(title="medians (least and most), and golem-vpn as a ratio to each")
        table.add_column("measure")
        for peer in self.rounds:
            table.add_column(peer, justify="right")
        for peer in others:
            table.add_column(f"ratio to {peer}", justify="right", style="bold")
        for measure in MEASURES:
            cells = [f"{measure.name} [{measure.unit}]".replace("[", r"\[")]
            cells += [self._cell(peer, measure.name) for peer in self.rounds]
            cells += [self._ratio(peer, measure.name) for peer in others]
            table.add_row(*cells)
        return table

    def save(self) -> Path:
        """Writes everything as JSON."""
        RESULTS.mkdir(parents=True, exist_ok=True)
        path = RESULTS / "latest.json"
        content = {"machine": machine(), "details": self.details, "rounds": self.rounds}
        path.write_text(json.dumps(content, indent=2) + "\n")
        return path

    def print(self, console: Console) -> None:
        """Prints the table and what was compared."""
        console.print(self.table())
        for peer, details in self.details.items():
            console.print(f"{peer}: {details}")

    def _cell(self, peer: str, measure: str) -> str:
        values = [values[measure] for values in self.rounds[peer]]
        digits = 0 if max(values) >= 100 else 2
        return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"

    def _ratio(self, peer: str, measure: str) -> str:
        base = self.median(peer, measure)
        return f"{self.median(OURS, measure) / base:.2f}" if base and OURS in self.rounds else "-"


def machine() -> dict[str, str]:
    """Tells what the figures were taken on."""
    return {"kernel": platform.release(), "machine": platform.machine(), "processor": _processor()}


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
