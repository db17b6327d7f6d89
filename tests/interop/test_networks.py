"""Private networks of each SDK: providers that reach each other, and one that fails."""

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.checks import check_paid, invoices
from tests.interop.conftest import ROOT, Golem, node, sdk
from tests.interop.programs import running

pytestmark = [pytest.mark.network, pytest.mark.timeout(180)]

APPS = Path(__file__).parent / "apps"

Command = Callable[[Golem], list[str]]


def yapapi(golem: Golem) -> list[str]:
    return [str(sdk("yapapi") / "bin/python"), str(APPS / "yapapi_neighbours.py"), golem.api]


def golem_core(golem: Golem) -> list[str]:
    return [str(sdk("golem-core") / "bin/python"), str(APPS / "golem_core_neighbours.py"), golem.packages["web"]]


def golem_js(golem: Golem) -> list[str]:
    return node(APPS / "golem_js_neighbours.mjs")


@pytest.mark.parametrize("command", [yapapi, golem_core, golem_js], ids=["yapapi", "golem-core", "golem-js"])
def test_providers_fetch_from_each_other(golem: Golem, command: Command, tmp_path: Path) -> None:
    before = invoices(golem)
    environment = golem.environment | {"PYTHONPATH": str(ROOT / "examples/golem-core")}
    with running(command(golem), environment, tmp_path / "errors.log") as program:
        program.wait(150)
        fetched = {(match[1], match[2]) for match in program.wait_for(r"^(\S+) on \S+ fetched page of (\S+)$")}
    ips = sorted(ip for ip, _ in fetched)
    assert len(ips) == 2
    assert fetched == {(ips[0], ips[1]), (ips[1], ips[0])}
    check_paid(golem, before, 2)


def test_an_instance_begins_anew_elsewhere_when_its_provider_fails(own_golem: Golem, tmp_path: Path) -> None:
    command = [str(sdk("yapapi") / "bin/python"), str(APPS / "yapapi_restart.py"), own_golem.api]
    with running(command, own_golem.environment, tmp_path / "errors.log") as program:
        [first, *_] = program.wait_for(r"^(\S+) works on provider-1", 120)
        program.wait_for(r"works on provider-2", 120)
        own_golem.daemon("provider-2").signal(signal.SIGKILL)
        program.wait_for(rf"^(?!{re.escape(first[1])} )\S+ works on provider-1", 120)
        program.interrupt(60, tracebacks=True)
