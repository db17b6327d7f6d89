"""The command line against real daemons: every command, for people and for programs."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from golem_vpn.cli.local_set import LocalSet
from tests.net.commands import golem_vpn, processes_with

pytestmark = pytest.mark.network


def test_networks(local_set: LocalSet) -> None:
    place = local_set.data_dir
    me = golem_vpn(place, "me")
    network = golem_vpn(place, "network", "create", "10.20.0.0/24")
    assert golem_vpn(place, "network", "add-node", network, me) == "10.20.0.2"
    listed = json.loads(golem_vpn(place, "network", "ls", "--json"))
    assert network in {item["id"] for item in listed}
    shown = json.loads(golem_vpn(place, "network", "show", network, "--json"))
    assert shown["nodes"] == [{"id": me, "ip": "10.20.0.2"}]
    assert me in golem_vpn(place, "network", "show", network)
    golem_vpn(place, "network", "rm-node", network, me)
    golem_vpn(place, "network", "rm", network)
    assert "error:" in golem_vpn(place, "network", "show", network, code=1)


def test_keys(local_set: LocalSet) -> None:
    place = local_set.data_dir
    key = golem_vpn(place, "app-key", "create", "shop")
    assert len(key) >= 32
    assert "shop" in golem_vpn(place, "app-key", "ls")
    assert key not in golem_vpn(place, "app-key", "ls", "--json")
    assert "error:" in golem_vpn(place, "app-key", "create", "shop", code=1)
    golem_vpn(place, "app-key", "rm", "shop")
    assert "shop" not in golem_vpn(place, "app-key", "ls")


def test_nodes_and_peers(local_set: LocalSet) -> None:
    nodes = json.loads(golem_vpn(local_set.data_dir, "nodes", "--json"))
    assert sum("provider" in node["roles"] for node in nodes) == 2
    assert isinstance(json.loads(golem_vpn(local_set.data_dir, "peers", "--json")), list)


def test_exports_for_the_sdks(local_set: LocalSet) -> None:
    lines = golem_vpn(local_set.data_dir, "local", "env").splitlines()
    assert [line.split("=")[0] for line in lines] == [
        "export YAGNA_API_URL", "export YAGNA_APPKEY", "export YAGNA_SUBNET", "export GOLEM_REGISTRY_URL"
    ]  # fmt: skip
    running = json.loads(golem_vpn(local_set.data_dir, "local", "status", "--json"))
    assert [daemon["running"] for daemon in running] == [True, True, True]
    assert "is running" in golem_vpn(local_set.data_dir, "local", "up", code=1)


def test_doctor(local_set: LocalSet) -> None:
    findings = json.loads(golem_vpn(local_set.data_dir, "doctor", "--json"))
    assert {"clock", "ports"} <= {finding["name"] for finding in findings}
    assert all(finding["ok"] for finding in findings if finding["required"])


def test_payment(local_set: LocalSet) -> None:
    place = local_set.data_dir
    assert "no tokens are moved" in golem_vpn(place, "payment", "status")
    accounts = json.loads(golem_vpn(place, "payment", "accounts", "--json"))
    assert "erc20-holesky-tglm" in {account["platform"] for account in accounts}
    assert {account["movesTokens"] for account in accounts} == {False}
    assert "settled by" in golem_vpn(place, "payment", "accounts")
    assert json.loads(golem_vpn(place, "payment", "status", "--json"))["movesTokens"] is False
    for command in ("invoices", "history"):
        assert isinstance(json.loads(golem_vpn(place, "payment", command, "--json")), list)
        assert "amount" in golem_vpn(place, "payment", command)


def test_without_a_daemon_the_error_names_the_cure(tmp_path: Path) -> None:
    assert "golem-vpn daemon" in golem_vpn(tmp_path, "network", "ls", code=1)
    assert "golem-vpn local up" in golem_vpn(tmp_path, "local", "env", code=1)
    assert golem_vpn(tmp_path, "local", "down") == "no local set was running"


def test_a_damaged_ticket_is_refused(local_set: LocalSet, tmp_path: Path) -> None:
    ticket = golem_vpn(local_set.data_dir, "ticket")
    damaged = ticket[:-3] + ("aaa" if not ticket.endswith("aaa") else "bbb")
    assert "ticket" in golem_vpn(tmp_path, "join", damaged, code=1)


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("network", "show", "0" * 32), "no such network"),
        (("network", "show", ""), "empty"),
        (("network", "create", "10.0.0.0/33"), "10.0.0.0/33"),
        (("network", "add-node", "{network}", "0x12"), "node id"),
        (("network", "add-node", "{network}", "{me}", "10.99.0.1"), "10.99.0.1"),
        (("app-key", "create", "x" * 300), "64"),
        (("app-key", "rm", "nobody"), "'nobody'"),
        (("join", "{ticket}"), "own hub"),
        (("join", "banana"), "no ticket"),
        (("attach", "{network}", "--interface", "eth0"), "eth0"),
        (("attach", "0" * 32), "add-node"),
        (("detach", "{network}"), "not attached"),
        (("connect", "{network}", "10.99.0.1", "80"), "10.99.0.1"),
        (("daemon", "--api", "127.0.0.1:0", "--listen", "127.0.0.1:0"), "another daemon"),
    ],
)
def test_an_error_is_one_message_with_cause_and_cure(
    arguments: tuple[str, ...], cause: str, local_set: LocalSet, words: dict[str, str]
) -> None:
    told = golem_vpn(local_set.data_dir, *(argument.format(**words) for argument in arguments), code=1)
    message, cure = told.splitlines()
    assert message.startswith("error: ")
    assert cause in message
    assert cure


@pytest.fixture(scope="module")
def words(local_set: LocalSet) -> dict[str, str]:
    """What placeholders in arguments mean."""
    place = local_set.data_dir
    network = golem_vpn(place, "network", "create", "10.22.0.0/24")
    return {"network": network, "me": golem_vpn(place, "me"), "ticket": golem_vpn(place, "ticket")}


@pytest.mark.parametrize("option", ["--api", "--listen"])
def test_a_daemon_names_the_address_that_is_taken(option: str, tmp_path: Path) -> None:
    kind = socket.SOCK_STREAM if option == "--api" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            other.listen()
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        options = {"--api": "127.0.0.1:0", "--listen": "127.0.0.1:0", option: taken}
        told = golem_vpn(tmp_path, "daemon", *(word for pair in options.items() for word in pair), code=1)
    assert f"at {taken}: " in told
    assert "does another daemon run there?" in told


def test_a_local_set_that_cannot_start_shows_why_and_leaves_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        assert taken in golem_vpn(tmp_path / "set", "local", "up", "--api", taken, code=1)
    assert list(tmp_path.iterdir()) == []
    assert not processes_with(str(tmp_path))


def test_a_daemon_in_the_foreground_ends_cleanly(tmp_path: Path) -> None:
    options = ["--api", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--data-dir", str(tmp_path)]
    daemon = subprocess.Popen(
        [sys.executable, "-m", "golem_vpn", "daemon", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert daemon.stdout is not None
    assert daemon.stdout.readline() == "ready\n"
    assert (tmp_path / "app-key").stat().st_mode & 0o777 == 0o600
    key = (tmp_path / "app-key").read_text().strip()
    daemon.send_signal(signal.SIGTERM)
    rest, log = daemon.communicate(timeout=15)
    assert daemon.returncode == 0
    assert rest == ""
    assert key not in log
    assert not (tmp_path / "daemon.json").exists()


def test_the_demo_shows_all_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    steps = {step["title"]: step["outcome"] for step in json.loads(golem_vpn(tmp_path, "demo", "--json"))}
    assert list(steps) == [
        "start a requestor and two providers", "create network", "hire two providers",
        "deploy and start the payload machines", "B fetches http://192.168.0.2:8000/", "B pings 192.168.0.2",
        "B sends UDP to 192.168.0.2", "the requestor fetches the page through the gate",
        "throughput from A to B, encrypted", "remove nodes and network", "end the daemons",
    ]  # fmt: skip
    assert steps["the requestor fetches the page through the gate"] == "hello from a payload"
    assert steps["throughput from A to B, encrypted"].endswith("Mbit/s")
    assert list(tmp_path.iterdir()) == []
    assert not processes_with(str(tmp_path))


DEMO = """
import sys
from golem_vpn.cli.main import main
loading = "golem_vpn.cli.app"
sys.addaudithook(lambda event, about: event == "import" and about[0] == loading and print(loading, file=sys.stderr))
main(["demo"])
"""


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("golem_vpn.cli.app", signal.SIGINT),
        ("starting the requestor", signal.SIGINT),
        ("starting 2 providers", signal.SIGINT),
        ("create network", signal.SIGTERM),
        ("hire two providers", signal.SIGINT),
        ("B pings", signal.SIGHUP),
    ],
)
def test_an_interrupted_demo_leaves_nothing_behind(line: str, number: signal.Signals, tmp_path: Path) -> None:
    interrupt_demo(line, number, tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_demo_in_the_background_of_a_script_can_be_ended(number: signal.Signals, tmp_path: Path) -> None:
    interrupt_demo("hire two providers", number, tmp_path, before=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))


def interrupt_demo(
    line: str, number: signal.Signals, tmp_path: Path, *, before: Callable[[], object] | None = None
) -> None:
    """Ends a demo when it tells a line, and checks that nothing is left; `before` is called in its process at first."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    demo = subprocess.Popen(
        [sys.executable, "-c", DEMO], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        start_new_session=True, preexec_fn=before,
    )  # fmt: skip
    assert demo.stderr is not None
    assert any(line in told for told in demo.stderr), "the demo ended before"
    demo.send_signal(number)
    _, rest = demo.communicate(timeout=30)
    assert demo.returncode == 130, rest
    assert "Traceback" not in rest
    assert list(tmp_path.iterdir()) == []
    assert not processes_with(str(tmp_path))
