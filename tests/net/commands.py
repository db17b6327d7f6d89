"""The command `golem-vpn` as people call it, and what processes it left."""

import subprocess
import sys
from pathlib import Path


def golem_vpn(data_dir: Path, *arguments: str, code: int = 0, patience: float = 60) -> str:
    """Runs a command and gives what it prints: the errors where it fails; its exit code must be as told."""
    command = [sys.executable, "-m", "golem_vpn", *arguments, "--data-dir", str(data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=patience)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout.strip() if code == 0 else done.stderr


def processes_with(text: str) -> list[str]:
    """Lists the command lines of this machine that hold a text."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if text in command:
                found.append(command)
    return found
