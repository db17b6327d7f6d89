"""The whole product in the hands of a user without any privilege: from `local up` to `local down`."""

import json
import os
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from golem_vpn.cli.session import app_key, daemon_file
from golem_vpn.sdk.client import Client
from golem_vpn.sdk.gate import open_gate, receive_all
from golem_vpn.sdk.machine import PayloadMachine
from tests.net.commands import golem_vpn, processes_with
from tests.net.machines import eventually, payload_machines, providers, stack_kinds
from tests.net.ordinary_user import run_tests

pytestmark = [pytest.mark.network, pytest.mark.timeout(300)]

as_the_user = pytest.mark.skipif(os.geteuid() == 0, reason="test_as_an_ordinary_user runs it as one")


@pytest.mark.skipif(os.geteuid() != 0, reason="these tests run as an ordinary user anyway")
def test_as_an_ordinary_user(tun_device_node: Path) -> None:
    outcome = run_tests([Path(__file__).name], tun_device_node)
    assert outcome.returncode == 0, outcome.stdout
    assert "is closed to this user" not in outcome.stdout, outcome.stdout


@pytest.fixture(scope="module")
def place(tun_device_node: Path) -> Iterator[Path]:
    """The data folder of a requestor and two providers, which end with the last test."""
    with tempfile.TemporaryDirectory(prefix="golem-vpn-test-") as home, pytest.MonkeyPatch.context() as environment:
        environment.setenv("GOLEM_VPN_TUN_DEVICE", str(tun_device_node))
        place = Path(home, "set")
        golem_vpn(place, "local", "up", "--providers", "2", "--api", "127.0.0.1:0")
        try:
            yield place
        finally:
            assert golem_vpn(place, "local", "down") == "ended 3 daemons"
        assert not place.exists()
        assert not processes_with(str(place))


@as_the_user
@pytest.mark.anyio
async def test_payloads_reach_each_other_and_the_requestor_reaches_them(place: Path) -> None:
    async with Client(daemon_file(place).api, app_key(place)) as client, payload_machines(client) as (a, b):
        output = await b.run("ping", "-n", "-c", "3", "-i", "0.2", "-W", "2", a.address)
        assert " 0% packet loss" in output
        await a.spawn("/usr/bin/python3", "-I", "-m", "http.server", "8000", "--directory", "/etc")
        fetched = await eventually(b, "curl", "--silent", "--show-error", "--fail", f"http://{a.address}:8000/hostname")
        assert fetched == await a.run("cat", "/etc/hostname")
        async with open_gate(client, a.network, a.address, 8000) as gate:
            await gate.send(b"GET /hostname HTTP/1.0\r\n\r\n")
            answer = await receive_all(gate)
        assert answer.startswith(b"HTTP/1.0 200")
        assert answer.endswith(fetched.encode())
        assert await stack_kinds(client) == {"tun"}


@as_the_user
@pytest.mark.anyio
async def test_payloads_end_with_the_set(tmp_path: Path) -> None:
    place = tmp_path / "set"
    seconds = f"3600.{os.getpid()}"
    golem_vpn(place, "local", "up", "--providers", "1", "--api", "127.0.0.1:0")
    try:
        async with Client(daemon_file(place).api, app_key(place)) as client:
            network = await client.create_network("192.168.0.0/24")
            (provider,) = await providers(client, 1)
            machine = await PayloadMachine.create(client, provider, network.id, "192.168.0.2")
            await machine.start()
            await machine.run("/bin/sh", "-c", f"setsid sleep {seconds} > /dev/null 2>&1 &")
            await machine.spawn("/bin/sleep", seconds)
        assert processes_with(seconds)
    finally:
        assert golem_vpn(place, "local", "down") == "ended 2 daemons"
    assert not processes_with(seconds)
    assert not processes_with(str(place))
    assert not place.exists()


@as_the_user
def test_doctor_finds_all_that_payloads_need(place: Path) -> None:
    findings = {finding["name"]: finding for finding in json.loads(golem_vpn(place, "doctor", "--json"))}
    assert [name for name, finding in findings.items() if finding["required"] and not finding["ok"]] == []
    assert findings["limits"]["ok"] or findings["limits"]["cure"]
    may_have_priority = resource.getrlimit(resource.RLIMIT_RTPRIO)[0] > 0
    assert findings["packet priority"]["ok"] == may_have_priority
    assert "FAIL" not in golem_vpn(place, "doctor")


@as_the_user
def test_attaching_the_machine_is_refused_with_the_cure(place: Path) -> None:
    network = golem_vpn(place, "network", "create", "10.21.0.0/24")
    golem_vpn(place, "network", "add-node", network, golem_vpn(place, "me"))
    refusal = golem_vpn(place, "attach", network, code=1)
    assert "root" in refusal
    assert "CAP_NET_ADMIN" in refusal
    assert "golem-vpn doctor" not in refusal
    golem_vpn(place, "network", "rm", network)
