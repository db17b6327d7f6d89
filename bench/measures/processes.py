"""What processes cost."""

import os
from collections.abc import Iterable
from pathlib import Path

from bench.link import Carrier, Link
from bench.measures.procedure import Figures, Measure, Procedure
from bench.wire import Wire

MIB = 1 << 20

RESIDENT = Measure("resident memory of a process", "MiB", False)
NATIVE = Measure("resident memory of its native part", "MiB", False)


def cpu_seconds(pid: int) -> float:
    """Gives the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Gives the memory of a process that is in RAM."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _measure_memory(_wire: Wire, link: Link, _seconds: float) -> Figures:
    """Tells of the larger one of the carriers."""
    return {RESIDENT: _largest(link.carriers, whole=True), NATIVE: _largest(link.carriers, whole=False)}


def _largest(carriers: Iterable[Carrier], *, whole: bool) -> float:
    return max(resident_bytes(carrier.pid) - (0 if whole else carrier.resident_before) for carrier in carriers) / MIB


MEMORY = Procedure("memory", (RESIDENT, NATIVE), _measure_memory, once=True)
