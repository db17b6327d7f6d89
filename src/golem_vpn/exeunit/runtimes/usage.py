"""The processor time of a process and all its descendants."""

import os
from pathlib import Path

import msgspec

_TICKS = os.sysconf("SC_CLK_TCK")


class _Process(msgspec.Struct, frozen=True):
    parent: int
    ticks: int
    """Its own, and those of the children that it has waited for."""


def cpu_seconds_below(process_id: int) -> float:
    """Adds up what a process and its living descendants have used; 0 if it is gone."""
    processes = dict(_processes())
    children: dict[int, list[int]] = {}
    for child, process in processes.items():
        children.setdefault(process.parent, []).append(child)
    pending, ticks = [process_id], 0
    while pending:
        current = pending.pop()
        pending.extend(children.get(current, ()))
        ticks += processes[current].ticks if current in processes else 0
    return ticks / _TICKS


def _processes() -> list[tuple[int, _Process]]:
    found = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdecimal():
            continue
        try:
            text = Path(entry.path, "stat").read_text(errors="replace")
        except OSError:
            continue  # ended meanwhile
        # The name, in parentheses, may hold anything. See proc_pid_stat(5) for the fields after it.
        fields = text.rpartition(")")[2].split()
        found.append((int(entry.name), _Process(int(fields[1]), sum(map(int, fields[11:15])))))
    return found
