"""Files between an application and its payloads, by the ways that each SDK has."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.conftest import ROOT, Golem, node, sdk
from tests.interop.programs import running

pytestmark = [pytest.mark.network, pytest.mark.timeout(180)]

APPS = Path(__file__).parent / "apps"
LINES = 200_000

Command = Callable[[Golem, Path, Path], list[str]]


def yapapi(golem: Golem, source: Path, target: Path) -> list[str]:
    return [str(sdk("yapapi") / "bin/python"), str(APPS / "yapapi_files.py"), golem.api, str(source), str(target)]


def golem_core(golem: Golem, source: Path, target: Path) -> list[str]:
    python, package = sdk("golem-core") / "bin/python", golem.packages["web"]
    return [str(python), str(APPS / "golem_core_files.py"), package, str(source), str(target)]


def golem_js(golem: Golem, source: Path, target: Path) -> list[str]:
    return node(APPS / "golem_js_files.mjs", str(source), str(target))


@pytest.mark.parametrize("command", [yapapi, golem_core, golem_js], ids=["yapapi", "golem-core", "golem-js"])
def test_a_file_goes_there_and_back(golem: Golem, command: Command, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    lines = [f"line {number}\n" for number in range(LINES)]
    source.write_text("".join(lines))
    environment = golem.environment | {"PYTHONPATH": str(ROOT / "examples/golem-core")}
    with running(command(golem, source, target), environment, tmp_path / "errors.log") as program:
        program.wait(150)
        [counted] = program.wait_for(r"^counted (\d+) bytes$")
    assert int(counted[1]) == source.stat().st_size
    assert target.read_text() == "".join(reversed(lines))
