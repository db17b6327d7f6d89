"""Where results go, and what they were taken on."""

import importlib.metadata
import os
import platform
import subprocess
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
