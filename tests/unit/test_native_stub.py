"""The stub says what the native module is."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_the_stub_matches_the_native_module() -> None:
    stubtest = [sys.executable, "-m", "mypy.stubtest", "golem_vpn._native", "--mypy-config-file", "pyproject.toml"]
    environment = {**os.environ, "PYTHONPATH": "src"}
    checked = subprocess.run(
        stubtest, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=50
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
