"""The tour of the README, typed as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.net.commands import golem_vpn, processes_with

pytestmark = [pytest.mark.network, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]


def test_the_tour_works_as_it_is_written(tmp_path: Path) -> None:
    place = tmp_path / "set"
    environment = {
        **os.environ,
        "GOLEM_VPN_DATA_DIR": str(place),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    try:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", tour()],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=150,
        )  # fmt: skip
    finally:
        golem_vpn(place, "local", "down")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAIL" not in done.stdout
    assert "HTTP/1.0 200 OK" in done.stdout
    assert "ended 3 daemons" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["script.json"]
    assert not processes_with(str(place))


def tour() -> str:
    """Gives the commands of the README's tour, but for the build, and at a port of the API that is free."""
    _, _, text = (ROOT / "README.md").read_text().partition("\n## A tour")
    blocks = re.findall(r"```sh\n(.*?)```", text.partition("\n## ")[0], re.DOTALL)
    assert len(blocks) > 3
    set_up, *lines = "".join(blocks).splitlines()
    assert set_up == "make setup"
    return "\n".join(lines).replace("local up ", "local up --api 127.0.0.1:0 ")
