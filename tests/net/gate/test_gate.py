"""The gate: websockets into payloads' ports, over the whole way."""

import hashlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from websockets.asyncio.client import ClientConnection, connect

from golem_vpn.cli.local_set import LocalSet
from golem_vpn.errors import ConnectionRefused, ConnectionTimeout, Forbidden
from golem_vpn.sdk.client import Client
from golem_vpn.sdk.gate import open_gate, receive_all
from golem_vpn.sdk.machine import PayloadMachine
from tests.net.gate import either_stack
from tests.net.machines import payload_machines

pytestmark = [pytest.mark.network, pytest.mark.anyio]

ECHO_PORT = 7000
GATES = 2000
ECHO = f"""
import asyncio
async def echo(reader, writer):
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()
async def main():
    server = await asyncio.start_server(echo, "0.0.0.0", {ECHO_PORT}, backlog=4096)
    print("listening", flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


async def start_echo(machine: PayloadMachine) -> None:
    await machine.spawn("/usr/bin/python3", "-I", "-c", ECHO)
    probe = f"import socket, time\nwhile socket.socket().connect_ex(('127.0.0.1', {ECHO_PORT})): time.sleep(0.05)"
    await machine.run("/usr/bin/python3", "-I", "-c", probe)


@either_stack
async def test_bytes_come_back_whatever_the_messages(client: Client) -> None:
    big = os.urandom(16 << 20)
    async with payload_machines(client, count=1) as (machine,):
        await start_echo(machine)
        async with open_gate(client, machine.network, machine.address, ECHO_PORT) as gate:
            await gate.send("text ")
            await gate.send(b"")
            await gate.send([b"frag", b"men", b"ted"])
            received = b""
            while len(received) < 15:
                received += bytes(await gate.recv())  # type: ignore[arg-type]
            assert received == b"text fragmented"
            async with anyio.create_task_group() as group:
                group.start_soon(gate.send, [big[: 5 << 20], big[5 << 20 :]])
                digest, length = hashlib.sha256(), 0
                while length < len(big):
                    message = await gate.recv()
                    assert isinstance(message, bytes)
                    digest.update(message)
                    length += len(message)
            assert digest.digest() == hashlib.sha256(big).digest()


@asynccontextmanager
async def open_when_served(client: Client, machine: PayloadMachine, port: int) -> AsyncIterator[ClientConnection]:
    """Opens a gate as soon as a program listens, which may still be starting."""
    async with AsyncExitStack() as stack:
        gate = None
        while gate is None:
            try:
                gate = await stack.enter_async_context(open_gate(client, machine.network, machine.address, port))
            except ConnectionRefused:
                await anyio.sleep(0.1)
        yield gate


@either_stack
async def test_the_payload_ends_the_connection_after_its_last_byte(client: Client) -> None:
    serve = (
        "import socket; s = socket.create_server(('', 7001)); c, _ = s.accept(); c.sendall(bytes(5_000_000)); c.close()"
    )
    async with payload_machines(client, count=1) as (machine,):
        batch = await machine.spawn("/usr/bin/python3", "-I", "-c", serve)
        with anyio.fail_after(20):
            async with open_when_served(client, machine, 7001) as gate:
                assert len(await receive_all(gate)) == 5_000_000
        await machine.finish(batch)


@either_stack
async def test_the_client_ends_the_connection_after_its_last_byte(client: Client) -> None:
    count = "import socket; s = socket.create_server(('', 7002)); c, _ = s.accept(); n = 0\nwhile d := c.recv(65536): n += len(d)\nprint(n)"  # noqa: E501
    async with payload_machines(client, count=1) as (machine,):
        batch = await machine.spawn("/usr/bin/python3", "-I", "-c", count)
        with anyio.fail_after(20):
            async with open_when_served(client, machine, 7002) as gate:
                for _ in range(50):
                    await gate.send(bytes(100_000))
        assert (await machine.finish(batch)).strip() == "5000000"


@either_stack
async def test_what_cannot_be_reached_is_told_by_the_status(client: Client) -> None:
    async with payload_machines(client, count=1) as (machine,):
        with pytest.raises(ConnectionRefused):
            async with open_gate(client, machine.network, machine.address, 9):
                pass
        with pytest.raises(ConnectionRefused, match="Invalid network IP address"):
            async with open_gate(client, machine.network, "8.8.8.8", 80):
                pass
        await client.add_node(machine.network, f"0x{5:040x}", "192.168.0.88")
        async with anyio.create_task_group() as group:
            for silent in ("192.168.0.77", "192.168.0.88"):
                group.start_soon(check_silence, client, machine.network, silent)
        with pytest.raises(Forbidden):
            async with open_gate(client, "0" * 32, machine.address, 80):
                pass


async def check_silence(client: Client, network: str, address: str) -> None:
    began = anyio.current_time()
    with pytest.raises(ConnectionTimeout):
        async with open_gate(client, network, address, 80):
            pass
    assert anyio.current_time() - began >= 5


@either_stack
async def test_the_source_address_is_the_requestors(client: Client) -> None:
    serve = (
        "import socket; s = socket.create_server(('', 7003)); c, a = s.accept(); c.sendall(a[0].encode()); c.close()"
    )
    async with payload_machines(client, count=1) as (machine,):
        for expected in ("192.168.0.1", "192.168.0.50"):
            if expected != "192.168.0.1":
                await client.add_address(machine.network, expected)
            await machine.spawn("/usr/bin/python3", "-I", "-c", serve)
            with anyio.fail_after(20):
                async with open_when_served(client, machine, 7003) as gate:
                    assert (await receive_all(gate)).decode() == expected


@pytest.mark.timeout(180)
async def test_thousands_of_gates_at_once(client: Client) -> None:
    url = client.url.replace("http", "ws", 1)
    async with payload_machines(client, count=1) as (machine,):
        await start_echo(machine)
        address = f"{url}/net-api/v1/net/{machine.network}/tcp/{machine.address}/{ECHO_PORT}?authToken={client.app_key}"
        limiter = anyio.CapacityLimiter(50)
        gates = []

        async def open_one() -> None:
            async with limiter:
                gates.append(await connect(address, compression=None, proxy=None))

        async with anyio.create_task_group() as group:
            for _ in range(GATES):
                group.start_soon(open_one)
        assert len(await client.connections(machine.network)) >= GATES
        for number, gate in enumerate(gates):
            await gate.send(b"%d" % number)
        for number, gate in enumerate(gates):
            assert await gate.recv() == b"%d" % number
        async with anyio.create_task_group() as group:
            for gate in gates:
                group.start_soon(gate.close)


async def test_openssh_through_the_gate(client: Client, local_set: LocalSet, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    public = (tmp_path / "key.pub").read_text()
    set_up = (
        "umask 077; mkdir -p ssh; printf %s \"$1\" > ssh/keys; ssh-keygen -q -t ed25519 -N '' -f ssh/host; "
        "printf 'Port 2222\\nHostKey %s/ssh/host\\nAuthorizedKeysFile %s/ssh/keys\\nUsePAM no\\nStrictModes no\\n"
        'PidFile none\\n\' "$PWD" "$PWD" > ssh/config; id -un'
    )
    async with payload_machines(client, count=1) as (machine,):
        user = (await machine.run("/bin/sh", "-c", set_up, "sh", public)).strip()
        await machine.spawn("/bin/sh", "-c", 'exec /usr/sbin/sshd -D -e -f "$PWD/ssh/config"')
        proxy = f"{sys.executable} -m golem_vpn connect --data-dir {local_set.data_dir} {machine.network} %h %p"
        command = [
            "ssh", "-i", str(tmp_path / "key"), "-p", "2222", "-o", f"ProxyCommand={proxy}", "-o", "BatchMode=yes",
            "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={tmp_path / 'known'}",
            f"{user}@{machine.address}", "echo through the gate; head -c 3000000 /dev/zero | wc -c",
        ]  # fmt: skip
        with anyio.fail_after(30):
            while True:
                done = await anyio.to_thread.run_sync(lambda: subprocess.run(command, capture_output=True, text=True))
                if done.returncode == 0:
                    break
                assert "Permission denied" not in done.stderr, done.stderr
                await anyio.sleep(0.2)
    assert done.stdout.split("\n")[:2] == ["through the gate", "3000000"]
