"""Draws results for people: medians with their spread by wire, then the targets."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from bench.packets.figures import Results, Row
from bench.packets.targets import Judgement


def results_table(results: Results, wire: str) -> Table:
    """Draws all that was measured on a wire."""
    contestants = results.contestants(wire)
    table = Table(title=f"{wire}: medians, and half the distance from the least to the most")
    table.add_column("measure")
    for contestant in contestants:
        table.add_column(contestant, justify="right")
    for measure in results.measures(wire):
        cells = [_cell(results.row(wire, contestant, measure)) for contestant in contestants]
        table.add_row(escape(f"{measure.name} [{measure.unit}]"), *cells)
    return table


def targets_table(judgements: Sequence[Judgement]) -> Table:
    """Draws ratios beside their bounds; those that were not measured are only counted."""
    measured = [judgement for judgement in judgements if judgement.reached is not None]
    left = len(judgements) - len(measured)
    caption = f"{left} more were not measured" if left else None
    table = Table("wire", "measure", "of", "against", title="targets, as ratios of medians", caption=caption)
    for column in ("reached", "target", ""):
        table.add_column(column, justify="right")
    for judgement in measured:
        target = judgement.target
        sign = "≥" if target.measure.higher_is_better else "≤"
        against = target.peer or escape(f"[{target.measure.unit}]")
        bounds = (f"{judgement.reached:.2f}", f"{sign} {target.bound:g}")
        met = "[green]met[/green]" if judgement.met else "[red]missed[/red]"
        table.add_row(target.wire, target.measure.name, target.subject, against, *bounds, met)
    return table


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    digits = 0 if row.median >= 100 else 2
    spread = f" ±{row.spread:.0%}" if len(row.values) > 1 else ""
    return f"{row.median:,.{digits}f}{spread}"
