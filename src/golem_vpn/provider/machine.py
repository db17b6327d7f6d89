"""What this machine has, as far as a provider can offer it."""

import os
import platform
import shutil
from pathlib import Path

import msgspec

_GIB = 1 << 30


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The machine that payloads run on."""

    architecture: str
    processor: str
    cores: int
    threads: int
    """Those that this process may use."""
    memory_gib: float
    storage_gib: float
    """What is free where payloads write."""


def look_at_machine(data_dir: Path, processors: Path = Path("/proc/cpuinfo")) -> Machine:
    """Finds out what there is; the data folder tells which disk counts."""
    threads = os.sched_getaffinity(0)
    described = _described(processors)
    usable = [fields for fields in described if int(fields.get("processor", "-1")) in threads]
    cores = {(fields["physical id"], fields["core id"]) for fields in usable if {"physical id", "core id"} <= {*fields}}
    return Machine(
        architecture=platform.machine(),
        processor=next((fields["model name"] for fields in usable if "model name" in fields), "unknown"),
        cores=len(cores) or len(threads),
        threads=len(threads),
        memory_gib=_gib(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")),
        storage_gib=_gib(shutil.disk_usage(data_dir).free),
    )


def _described(file: Path) -> list[dict[str, str]]:
    """Gives what the kernel tells of each processor; its fields differ between architectures."""
    blocks = file.read_text(errors="replace").split("\n\n") if file.exists() else []
    return [
        {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in block.splitlines())}
        for block in blocks
        if block.startswith("processor")
    ]


def _gib(count: int) -> float:
    return round(count / _GIB, 3)
