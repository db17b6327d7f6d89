"""An application of an unchanged SDK: from `run_service` of yapapi to the first byte through the gate."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.report import RESULTS
from golem_vpn.cli.local_set import SUBNET

IMAGE = "web:latest"
SDK = Path(__file__).parents[1] / ".interop" / "yapapi" / "bin" / "python"
"""Made by `make interop`."""

Seconds = dict[str, list[list[float]]]
"""The times of the first and the second server, of each run."""


def run_application(console: Console, *, rounds: int) -> Path:
    """Measures, prints, and gives where the figures were written.

    Raises:
        FileNotFoundError: the SDK's environment is missing.
    """
    with tempfile.TemporaryDirectory(prefix="golem-vpn-bench-") as folder:
        data_dir = str(Path(folder) / "set")
        try:
            _golem_vpn("local", "up", "--providers", "2", "--api", "127.0.0.1:0", "--data-dir", data_dir)
            _golem_vpn("image", "build", "--with", "nginx", "--tag", IMAGE, "--data-dir", data_dir)
            fresh = [_run(Path(data_dir))]
            seconds = {"image fetched": fresh, "image cached": [_run(Path(data_dir)) for _ in range(rounds)]}
        finally:
            _golem_vpn("local", "down", "--data-dir", data_dir)
    console.print(_table(seconds))
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / "application.json"
    path.write_text(json.dumps(seconds, indent=2) + "\n")
    return path


def _run(data_dir: Path) -> list[float]:
    environment = os.environ | {
        "YAGNA_API_URL": json.loads((data_dir / "daemon.json").read_text())["api"],
        "YAGNA_APPKEY": (data_dir / "app-key").read_text().strip(),
        "YAGNA_SUBNET": SUBNET,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    command = [str(SDK), str(Path(__file__).with_name("first_byte.py")), IMAGE]
    finished = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=180)
    seconds: list[float] = json.loads(finished.stdout)
    return seconds


def _golem_vpn(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "golem_vpn", *arguments], check=True, capture_output=True, text=True)


def _table(seconds: Seconds) -> Table:
    table = Table("", title="yapapi: seconds from run_service to the first byte through the gate, medians")
    for column in ("runs", "first server", "both servers"):
        table.add_column(column, justify="right")
    for state, runs in seconds.items():
        first, both = (median(run[place] for run in runs) for place in (0, -1))
        table.add_row(state, str(len(runs)), f"{first:.2f}", f"{both:.2f}")
    return table
