"""Control connections between two machines that also share an overlay keep out of it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from golem_vpn._native import Endpoint

pytestmark = [
    pytest.mark.network,
    pytest.mark.anyio,
    pytest.mark.root,
]

SERVER_KEY, CLIENT_KEY = b"s" * 32, b"c" * 32
PORT = 7000

SERVER = f"""
import asyncio
from golem_vpn._native import Endpoint

async def main():
    endpoint = await Endpoint.bind({SERVER_KEY!r}, "0.0.0.0:{PORT}")
    print(*endpoint.addresses, flush=True)
    while True:
        request = await endpoint.accept()
        request.respond(request.remote.encode())

asyncio.run(main())
"""

CLIENT = f"""
import asyncio, sys
from golem_vpn._native import Endpoint

async def main():
    endpoint = await Endpoint.bind({CLIENT_KEY!r}, "0.0.0.0:{PORT}")
    for _ in range(15):
        print((await endpoint.request(bytes.fromhex(sys.argv[1]), [sys.argv[2]], b"", 20)).decode(), flush=True)
        await asyncio.sleep(0.2)
    await endpoint.close()

asyncio.run(main())
"""


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, timeout=10)


@contextmanager
def two_machines() -> Iterator[tuple[str, str]]:
    names = f"golem-vpn-{os.getpid()}-a", f"golem-vpn-{os.getpid()}-b"
    try:
        for name in names:
            ip("netns", "add", name)
        for interface, network in [("direct0", "192.0.2.{}/24"), ("vpn0", "fd09::{}/64")]:
            ip(
                "link",
                "add",
                interface,
                "netns",
                names[0],
                "type",
                "veth",
                "peer",
                "name",
                interface,
                "netns",
                names[1],
            )
            for number, name in enumerate(names, start=1):
                nodad = ["nodad"] if ":" in network else []
                ip("-n", name, "address", "add", network.format(number), "dev", interface, *nodad)
                ip("-n", name, "link", "set", interface, "up")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False, timeout=10)


async def python(namespace: str, program: str, *arguments: str) -> asyncio.subprocess.Process:
    command = ["ip", "netns", "exec", namespace, sys.executable, "-c", program, *arguments]
    environment = {**os.environ, "PYTHONPATH": "src"}
    return await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)


async def test_a_connection_stays_out_of_an_overlay() -> None:
    key = await Endpoint.bind(SERVER_KEY, "127.0.0.1:0")
    with two_machines() as (client_machine, server_machine):
        server = await python(server_machine, SERVER)
        try:
            assert server.stdout is not None
            addresses = (await asyncio.wait_for(server.stdout.readline(), 20)).decode().split()
            assert addresses == [f"192.0.2.2:{PORT}"]
            client = await python(client_machine, CLIENT, key.endpoint_id.hex(), addresses[0])
            output, _ = await asyncio.wait_for(client.communicate(), 40)
        finally:
            server.kill()
            await server.wait()
            await key.close()
    assert set(output.decode().split()) == {f"192.0.2.1:{PORT}"}
