"""Programs that know nothing of what carries their packets, as payloads on two providers."""

import json
from typing import Any

import pytest

from golem_vpn.sdk.client import Client
from golem_vpn.sdk.machine import PayloadMachine
from tests.net.machines import eventually, payload_machines, write_file

pytestmark = [pytest.mark.network, pytest.mark.anyio]

NGINX = """
daemon off; pid nginx.pid; error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server { listen 8080; location / { return 200 "served by nginx\\n"; } }
}
"""


@pytest.mark.parametrize("cidr", ["192.168.0.0/24", "fd00:7::/64"])
async def test_ping(client: Client, cidr: str) -> None:
    async with payload_machines(client, cidr) as (a, b):
        output = await b.run("ping", "-n", "-c", "5", "-i", "0.1", "-W", "1", a.address)
    assert " 0% packet loss" in output


async def _measured(machine: PayloadMachine, address: str, result: str, *options: str) -> dict[str, float]:
    """Runs iperf3, which on a busy machine may end well without a result, and then says why in its report."""
    reports: list[dict[str, Any]] = []
    for _ in range(3):
        text = await eventually(machine, "iperf3", "--client", address, "-t", "1", "--json", *options)
        reports.append(json.loads(text))
        if (measured := reports[-1]["end"].get(result)) is not None:
            return dict(measured)
    raise AssertionError(reports)


@pytest.mark.parametrize("cidr", ["192.168.0.0/24", "fd00:7::/64"])
async def test_iperf3_over_tcp_and_udp(client: Client, cidr: str) -> None:
    async with payload_machines(client, cidr) as (a, b):
        await a.spawn("iperf3", "--server")
        for options in ([], ["--reverse"], ["--udp", "--bitrate", "50M"]):
            result = "sum" if "--udp" in options else "sum_received"
            assert (await _measured(b, a.address, result, *options))["bytes"] > 1_000_000


async def test_nginx(client: Client) -> None:
    async with payload_machines(client) as (a, b):
        await write_file(a, "nginx.conf", NGINX)
        await a.spawn("/bin/sh", "-c", 'exec nginx -e stderr -p "$PWD" -c "$PWD/nginx.conf"')
        output = await eventually(b, "curl", "--silent", "--show-error", "--fail", f"http://{a.address}:8080/")
    assert output == "served by nginx\n"


async def test_redis(client: Client) -> None:
    async with payload_machines(client) as (a, b):
        await a.spawn("redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "")
        assert await eventually(b, "redis-cli", "-h", a.address, "set", "answer", "42") == "OK\n"
        assert await b.run("redis-cli", "-h", a.address, "get", "answer") == "42\n"


async def test_busybox_serves_several_activities_of_one_provider(client: Client) -> None:
    async with payload_machines(client, count=4) as machines:
        server, neighbour = machines[0], machines[2]
        assert server.node_id == neighbour.node_id
        await write_file(server, "index.html", "from the work directory")
        await server.spawn("busybox", "httpd", "-f", "-p", "8080")
        for machine in machines[1:]:
            output = await eventually(machine, "curl", "--silent", "--fail", f"http://{server.address}:8080/")
            assert output == "from the work directory"


async def test_names_and_environment_of_the_deployment(client: Client) -> None:
    network = "192.168.7.0/24"
    async with payload_machines(client, network, count=1) as (other,):
        machine = await other.create(client, other.node_id, other.network, "192.168.7.9")
        await machine.start(hosts={"neighbour": other.address}, hostname="here", env={"COLOUR": "blue"})
        output = await machine.run("/bin/sh", "-c", "hostname; echo $COLOUR; getent hosts neighbour")
        assert output.split() == ["here", "blue", other.address, "neighbour"]
        assert "1 received" in await machine.run("ping", "-n", "-c", "1", "-W", "2", "neighbour")
        await machine.end()
