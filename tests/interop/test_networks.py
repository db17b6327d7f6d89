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

WORKS = r"(\S+) works on (\S+)"

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


def yapapi_restart(golem: Golem) -> list[str]:
    return [str(sdk("yapapi") / "bin/python"), str(APPS / "yapapi_restart.py"), golem.api]


def golem_core_restart(golem: Golem) -> list[str]:
    return [str(sdk("golem-core") / "bin/python"), str(APPS / "golem_core_restart.py"), golem.packages["web"]]


def golem_js_restart(golem: Golem) -> list[str]:
    return node(APPS / "golem_js_restart.mjs")


# Of golem-js a provider can be in a network once only, so the instance needs one that is free.
@pytest.mark.parametrize(
    ("command", "own_golem"),
    [(yapapi_restart, 2), (golem_core_restart, 2), (golem_js_restart, 3)],
    indirect=["own_golem"],
    ids=["yapapi", "golem-core", "golem-js"],
)
def test_an_instance_begins_anew_elsewhere_when_its_provider_fails(
    own_golem: Golem, command: Command, tmp_path: Path
) -> None:
    with running(command(own_golem), own_golem.environment, tmp_path / "errors.log") as program:
        [first, *_] = program.wait_for(rf"^{WORKS}$", 120)
        [second, *_] = program.wait_for(rf"^(?!{re.escape(first[1])} ){WORKS}$", 120)
        own_golem.daemon(second[2]).signal(signal.SIGKILL)
        [third, *_] = program.wait_for(rf"^(?!{re.escape(first[0])}$){WORKS}(?<!{second[2]})$", 120)
        program.interrupt(60, tracebacks=True)
    assert first[2] != second[2]
    assert _approved(own_golem) == sorted([first[2], second[2], third[2]])


def _approved(golem: Golem) -> list[str]:
    """Gives the provider's name of each agreement that was in force."""
    ids = [entry["id"] for entry in golem.get("/market-api/v1/agreements") if entry.get("approvedDate")]
    offers = [golem.get(f"/market-api/v1/agreements/{each}")["offer"] for each in ids]
    return sorted(offer["properties"]["golem.node.id.name"] for offer in offers)
