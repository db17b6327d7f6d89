"""The examples of each SDK, as the tutorial runs them: terminals and web servers in a private network."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.checks import check_paid, free_ports, invoices, page, ssh
from tests.interop.conftest import ROOT, Golem, node, sdk
from tests.interop.programs import running

pytestmark = [pytest.mark.network, pytest.mark.timeout(180)]

Command = Callable[[Golem, str, int], list[str]]


def yapapi(golem: Golem, example: str, port: int) -> list[str]:
    return [str(sdk("yapapi") / "bin/python"), str(ROOT / f"examples/yapapi/{example}.py"), "--port", str(port)]


def golem_core(golem: Golem, example: str, port: int) -> list[str]:
    package = golem.packages["ssh" if example == "ssh" else "web"]
    script = ROOT / f"examples/golem-core/{example}.py"
    return [str(sdk("golem-core") / "bin/python"), str(script), package, "--port", str(port)]


def golem_js(golem: Golem, example: str, port: int) -> list[str]:
    return node(ROOT / f"examples/golem-js/{example.replace('_', '-')}.mjs", "--port", str(port))


@pytest.fixture(params=[yapapi, golem_core, golem_js], ids=["yapapi", "golem-core", "golem-js"])
def command(request: pytest.FixtureRequest) -> Command:
    chosen: Command = request.param
    return chosen


def test_terminals_on_two_providers(golem: Golem, command: Command, tmp_path: Path) -> None:
    before, port = invoices(golem), free_ports(2)
    with running(command(golem, "ssh", port), golem.environment, tmp_path / "errors.log") as program:
        terminals = program.wait_for(r"ssh -p (\d+) root@127.0.0.1 password (\w+)", 120, count=2)
        addresses = ["192.168.0.2", "192.168.0.3"]
        for terminal in terminals:
            reached = ssh(int(terminal[1]), terminal[2], "hostname -I 2>/dev/null || ip -4 -o addr", tmp_path)
            own = next(address for address in addresses if address in reached)
            addresses.remove(own)
        program.interrupt()
    check_paid(golem, before, 2)
    assert golem.get("/net-api/v1/net") == []


def test_web_servers_on_two_providers(golem: Golem, command: Command, tmp_path: Path) -> None:
    before, port = invoices(golem), free_ports(2)
    with running(command(golem, "http_proxy", port), golem.environment, tmp_path / "errors.log") as program:
        program.wait_for("ready: ", 120)
        urls = [f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{port + (command is not yapapi)}/"]
        pages = {page(url) for url in urls}
        assert len(pages) == 2, pages
        assert all(text.startswith("Hello from 192.168.0.") for text in pages), pages
        program.interrupt()
    check_paid(golem, before, 2)
