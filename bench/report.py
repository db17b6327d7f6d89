"""Where results go, and what they were taken on."""

import importlib.metadata
import os
import platform
import subprocess
import time
from pathlib import Path

RESULTS = Path("bench/results")


def machine() -> dict[str, str]:
    """Tells what the figures were taken on, and with which version of ours."""
    return {
        "golem-vpn": f"{importlib.metadata.version('golem-vpn')} {_commit()}".strip(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "processor": _processor(),
        "processors": str(os.cpu_count()),
        "python": platform.python_version(),
    }


def busy_percent(seconds: float = 0.5) -> float:
    """Watches for a moment how much of the processors' time is in use."""
    before = _processor_times()
    time.sleep(seconds)
    total, idle = (after - earlier for after, earlier in zip(_processor_times(), before, strict=True))
    return 100 * (1 - idle / total)


def _processor_times() -> tuple[int, int]:
    """Gives all time since the start, and the idle part of it, in ticks of all processors."""
    ticks = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4]


def _commit() -> str:
    """Names the state of the sources, where they lie in a repository."""
    try:
        told = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return ""
    return told.stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
