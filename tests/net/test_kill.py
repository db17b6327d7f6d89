"""Daemons that die at the worst moment, and come back."""

import time
from pathlib import Path

import anyio
import pytest

from golem_vpn.sdk.client import Client
from golem_vpn.sdk.gate import open_gate, receive_all
from tests.net.machines import eventually, payload_machines
from tests.net.nodes import TestNode, requestor_and_providers

pytestmark = [pytest.mark.network, pytest.mark.anyio, pytest.mark.timeout(180)]

ANSWER = """
import socket
server = socket.create_server(("", 7000))
while True:
    connection, _ = server.accept()
    connection.sendall(b"here")
    connection.close()
"""

CONNECT = "import socket; socket.create_connection(('192.168.0.2', 7000), timeout=5)"
TALK = """
import os, socket, time
with open("moments", "w", buffering=1) as moments:
    while not os.path.exists("enough"):
        with socket.create_connection(("192.168.0.2", 7000), timeout=10) as connection:
            assert connection.recv(16) == b"here"
        print(time.monotonic(), file=moments)
        time.sleep(0.02)
"""
COUNT = "wc -l < moments"


async def test_payloads_talk_on_while_the_requestor_is_killed_and_restarted(tmp_path: Path) -> None:
    async with requestor_and_providers(tmp_path) as (requestor, *_):
        async with requestor.client() as client, payload_machines(client) as (a, b):
            await a.spawn("/usr/bin/python3", "-I", "-c", ANSWER)
            await eventually(b, "/usr/bin/python3", "-I", "-c", CONNECT)
            talk = await b.spawn("/usr/bin/python3", "-I", "-c", TALK)
            await eventually(b, "/bin/sh", "-c", "test -s moments")
            before = await _view(client, a.network)
            requestor.kill()
            killed = time.monotonic()
            await anyio.sleep(1)
            revived = time.monotonic()
            await anyio.to_thread.run_sync(requestor.start)
            async with requestor.client() as again:
                assert await _view(again, a.network) == before
                b_again = type(b)(again, b.node_id, b.agreement_id, b.activity_id, b.network, b.address)
                count = await b_again.run("/bin/sh", "-c", COUNT)
                await b_again.run("/bin/sh", "-c", f"until test $({COUNT}) -gt {int(count) + 5}; do sleep 0.1; done")
                await b_again.run("/bin/sh", "-c", "touch enough")
                await b_again.finish(talk)
                moments = map(float, (await b_again.run("cat", "moments")).split())
                assert len([moment for moment in moments if killed < moment < revived]) > 5
                async with open_gate(again, a.network, a.address, 7000) as gate:
                    assert await receive_all(gate) == b"here"
                await again.destroy_activity(a.activity_id)
                await again.destroy_activity(b.activity_id)


async def test_a_killed_provider_vanishes_and_comes_back(tmp_path: Path) -> None:
    async with requestor_and_providers(tmp_path) as (requestor, provider, other), requestor.client() as client:
        both = [provider.node_id, other.node_id]
        async with payload_machines(client, on=both) as (a, b):
            await _until_online(client, provider, online=True)
            provider.kill()
            await _until_online(client, provider, online=False)
            with anyio.fail_after(40):
                while (await client.activity_state(a.activity_id)).state[0] != "Unresponsive":
                    await anyio.sleep(0.1)
            assert "0 received" in await b.run("/bin/sh", "-c", f"ping -n -c 1 -W 1 {a.address} || true")
            await anyio.to_thread.run_sync(provider.start)
            await _until_online(client, provider, online=True)
            assert (await client.activity_state(a.activity_id)).state[0] == "Terminated"
            again = await type(a).create(client, a.node_id, a.network, a.address)
            await again.start()
            with anyio.fail_after(30):
                await b.run("ping", "-n", "-c", "2", "-i", "0.2", "-W", "2", a.address)
            await again.end()


async def test_acknowledged_changes_survive_kill(tmp_path: Path) -> None:
    async with requestor_and_providers(tmp_path, providers=0) as (node,):
        async with node.client() as client:
            network = await client.create_network("10.1.0.0/16")
            made = await client.create_app_key("survivor")
            assert made.key is not None
            for number in range(20):
                await client.add_node(network.id, f"0x{number:040x}", f"10.1.0.{number + 2}")
            node.kill()
        await anyio.to_thread.run_sync(node.start)
        async with node.client() as client:
            assert len(await client.network_nodes(network.id)) == 20
            async with Client(client.url, made.key) as other:
                assert (await other.network(network.id)).ip == "10.1.0.0/16"


async def _view(client: Client, network: str) -> object:
    return (await client.networks(), await client.network_nodes(network), await client.app_keys(), await client.me())


async def _until_online(client: Client, node: TestNode, *, online: bool) -> None:
    node_id = (await client.me()).identity if node.process is None else node.node_id
    with anyio.fail_after(40):
        while True:
            if {peer.node_id: peer.online for peer in await client.peers()}.get(node_id, False) == online:
                return
            await anyio.sleep(0.1)
