"""What strangers and broken programs send: a clear refusal or a counted drop, nothing lost, nothing crashed."""

import os
import random
import socket
from pathlib import Path

import anyio
import pytest

from golem_vpn.cli.local_set import LocalSet
from golem_vpn.cli.processes import DaemonProcess
from golem_vpn.errors import Conflict, InvalidInput, Unauthorized
from golem_vpn.sdk.client import Client
from tests.net.machines import payload_machines
from tests.net.nodes import requestor_and_providers

pytestmark = [pytest.mark.network, pytest.mark.anyio]

PORTS_OF_PROCESS = ("udp", "tcp", "udp6", "tcp6")


async def test_garbage_on_every_port(client: Client, local_set: LocalSet) -> None:
    noise = random.Random(3)
    async with payload_machines(client) as (a, b):
        for daemon in local_set.daemons():
            for transport, port in _ports(daemon):
                _throw(transport, port, noise)
        assert "1 received" in await b.run("ping", "-n", "-c", "1", "-W", "2", a.address)
        drops = (await client.status())["drops"]
    assert sum(drops.values()) > 0
    assert all(daemon.running for daemon in local_set.daemons())


async def test_a_stranger_is_told_nothing(client: Client, tmp_path: Path) -> None:
    async with payload_machines(client, count=1) as (machine,):
        async with requestor_and_providers(tmp_path, providers=0) as (stranger,):
            async with stranger.client() as strangers_client:
                with pytest.raises(Exception, match=r"(?i)not found|refused|unknown|no such|nobody"):
                    await strangers_client.attach(machine.network, "vpn9")


async def test_the_api_refuses_what_it_cannot_take(client: Client) -> None:
    network = await client.create_network("10.9.0.0/24")
    me = (await client.me()).identity
    other = f"0x{7:040x}"
    for address in ("10.9.1.1", "127.0.0.1", "224.0.0.1", "ten", "10.9.0.999", "::1", ""):
        with pytest.raises(InvalidInput):
            await client.add_node(network.id, other, address)
    await client.add_node(network.id, other, "10.9.0.7")
    await client.add_node(network.id, other, "10.9.0.7")
    with pytest.raises(Conflict):
        await client.add_node(network.id, me, "10.9.0.7")
    for cidr in ("10.9.0.0/33", "no", "224.0.0.0/24", "", "10.9.0.0/24/24"):
        with pytest.raises(InvalidInput):
            await client.create_network(cidr)
    async with Client(client.url, "wrong") as intruder:
        with pytest.raises(Unauthorized):
            await intruder.networks()
    assert [(node.id, node.ip) for node in await client.network_nodes(network.id)] == [(other, "10.9.0.7")]
    await client.remove_network(network.id)


async def test_a_payload_cannot_use_an_address_that_is_not_its_own(client: Client) -> None:
    async with payload_machines(client) as (a, b):
        forge = (
            "import socket\n"
            "try:\n"
            "    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)\n"
            "except PermissionError:\n"
            "    print('refused')\n"
        )
        assert await b.run("/usr/bin/python3", "-I", "-c", forge) == "refused\n"
        with anyio.fail_after(10):
            output = await b.run("/bin/sh", "-c", f"ip address add {a.address}/24 dev vpn0 2>&1 || true")
        assert "not permitted" in output.lower() or "denied" in output.lower() or "not found" in output.lower()


def _ports(daemon: DaemonProcess) -> list[tuple[str, int]]:
    """Finds the ports that a process has bound, by the kernel's tables."""
    links = (os.readlink(entry) for entry in Path(f"/proc/{daemon.pid}/fd").iterdir())
    inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
    found = set()
    for table in PORTS_OF_PROCESS:
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            listening = table.startswith("udp") or fields[3] == "0A"
            if fields[9] in inodes and listening:
                found.add((table[:3], int(fields[1].rpartition(":")[2], 16)))
    assert {"udp", "tcp"} == {transport for transport, _ in found}
    return sorted(found)


def _throw(transport: str, port: int, noise: random.Random) -> None:
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    for length in (0, 1, 15, 16, 32, 33, 100, 1400, 9000):
        for start in (b"", b"\x04\x00\x00\x00", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01"):
            with socket.socket(socket.AF_INET, kind) as thrower:
                thrower.settimeout(1)
                thrower.connect(("127.0.0.1", port))
                thrower.sendall(start + noise.randbytes(length))
