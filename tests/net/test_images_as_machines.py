"""Images of `golem-vpn image build` are machines: OpenSSH, nginx and Redis run in them as they do anywhere."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from anyio.to_thread import run_sync

from golem_vpn.cli.local_set import LocalSet
from golem_vpn.sdk.client import Client
from golem_vpn.sdk.gate import open_gate, receive_all
from golem_vpn.sdk.machine import PayloadMachine
from tests.net.commands import golem_vpn
from tests.net.machines import eventually, payload_machines
from tests.net.ordinary_user import run_tests

pytestmark = [pytest.mark.network, pytest.mark.timeout(600)]

PROGRAMS = ("bash", "sshd", "nginx", "redis-server", "curl")
PATIENCE = 120.0
"""Seconds that a busy machine may take to make keys."""
HAS_OTHER_USERS = os.geteuid() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="these tests run as an ordinary user anyway")
def test_as_an_ordinary_user(tun_device_node: Path) -> None:
    outcome = run_tests([Path(__file__).name], tun_device_node)
    assert outcome.returncode == 0, outcome.stdout


@pytest.fixture(scope="module")
def task_package(local_set: LocalSet) -> str:
    """An image of servers of this machine, in the registry of the requestor."""
    programs = [argument for program in PROGRAMS for argument in ("--with", program)]
    command = ("image", "build", *programs, "--tag", "servers", "--json")
    image = json.loads(golem_vpn(local_set.data_dir, *command, patience=300))
    assert image["taskPackage"].startswith(f"hash:sha3:{image['hash']}:http")
    return str(image["taskPackage"])


class Ssh:
    """OpenSSH's client on the requestor's machine, connected through the gate."""

    def __init__(self, local_set: LocalSet, machine: PayloadMachine, home: Path) -> None:
        self.home = home
        connect = f"{sys.executable} -m golem_vpn connect {machine.network} %h %p --data-dir {local_set.data_dir}"
        self._command = (
            *("ssh", "-F", "none", "-o", f"ProxyCommand={connect}", "-o", "NumberOfPasswordPrompts=1"),
            *("-o", "StrictHostKeyChecking=accept-new", "-o", f"UserKnownHostsFile={home}/known"),
        )
        self._address = machine.address

    async def run(self, user: str, script: str, *options: str, password: str = "") -> subprocess.CompletedProcess[str]:
        """Runs a shell script as a user, who is known by a password or by the options."""
        command = (*self._command, *options, f"{user}@{self._address}", script)
        say = self.home / "say"
        say.write_text(f"#!/bin/sh\necho {password}\n")
        say.chmod(0o700)
        asking = {"DISPLAY": ":0", "SSH_ASKPASS": str(say), "SSH_ASKPASS_REQUIRE": "force"}
        return await run_sync(_run, command, {**os.environ, **asking})


def _run(command: tuple[str, ...], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A place for keys, which OpenSSH wants to be nobody else's."""
    tmp_path.chmod(0o700)
    return tmp_path


@pytest.mark.anyio
async def test_people_log_in_through_the_gate(
    client: Client, local_set: LocalSet, task_package: str, home: Path
) -> None:
    async with payload_machines(client, count=1, task_package=task_package) as (machine,):
        await machine.run("/bin/bash", "-c", "ssh-keygen -A && printf 'secret\\nsecret\\n' | passwd", timeout=PATIENCE)
        await machine.run(
            "/bin/bash",
            "-c",
            "echo golem:hidden | chpasswd && mkdir -p /home/golem && /usr/sbin/sshd",
            timeout=PATIENCE,
        )
        ssh = Ssh(local_set, machine, home)
        shown = await ssh.run("root", "id -un; hostname; test -t 0 || echo no terminal", password="secret")
        assert shown.stdout.split("\n")[0::2][:2] == ["root", "no terminal"], shown
        assert (await ssh.run("root", "true", password="wrong")).returncode == 255
        terminal = await ssh.run("root", "tty; stty -a; test -O $(tty) && echo mine", "-tt", password="secret")
        assert "/dev/pts/" in terminal.stdout
        assert "rows" in terminal.stdout
        assert "mine" in terminal.stdout
        ordinary = await ssh.run("golem", "id -un", "-tt", password="hidden")
        assert ordinary.stdout.strip() == ("golem" if HAS_OTHER_USERS else "root"), ordinary


@pytest.mark.anyio
async def test_keys_open_and_files_pass(client: Client, local_set: LocalSet, task_package: str, home: Path) -> None:
    async with payload_machines(client, count=1, task_package=task_package) as (machine,):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home / "key"], check=True)
        key = (home / "key.pub").read_text()
        script = 'ssh-keygen -A && mkdir -p /root/.ssh && echo "$1" > /root/.ssh/authorized_keys && /usr/sbin/sshd'
        await machine.run("/bin/bash", "-c", script, "bash", key, timeout=PATIENCE)
        ssh = Ssh(local_set, machine, home)
        options = ("-i", str(home / "key"), "-o", "BatchMode=yes")
        assert (await ssh.run("root", "cat /proc/self/loginuid > /dev/null; id -u", *options)).stdout == "0\n"
        many = await ssh.run("root", "head -c 20000000 /dev/zero | wc -c; seq 100000 | tail -n 1", *options)
        assert many.stdout.split() == ["20000000", "100000"], many


@pytest.mark.anyio
async def test_nginx_serves_payloads_and_the_requestor(client: Client, task_package: str) -> None:
    async with payload_machines(client, task_package=task_package) as (server, other):
        await server.run("/usr/sbin/nginx")
        fetched = await eventually(other, "curl", "--silent", "--fail", f"http://{server.address}/")
        assert "It works." in fetched
        async with open_gate(client, server.network, server.address, 80) as gate:
            await gate.send(b"GET / HTTP/1.0\r\n\r\n")
            answer = await receive_all(gate)
        assert answer.startswith(b"HTTP/1.1 200")
        users = set((await server.run("/bin/bash", "-c", "ps -o user= -C nginx")).split())
        assert users == ({"root", "www-data"} if HAS_OTHER_USERS else {"root"})


@pytest.mark.anyio
async def test_redis_serves_as_a_daemon(client: Client, task_package: str) -> None:
    async with payload_machines(client, task_package=task_package) as (server, other):
        options = ("--daemonize", "yes", "--bind", "0.0.0.0", "--protected-mode", "no", "--dir", "/var/lib/redis")
        await server.run("redis-server", *options)
        assert await eventually(other, "redis-cli", "-h", server.address, "set", "answer", "42") == "OK\n"
        assert await server.run("redis-cli", "save") == "OK\n"
        assert await server.run("ls", "/var/lib/redis") == "dump.rdb\n"


@pytest.mark.anyio
async def test_machines_of_one_image_change_their_own_files_only(client: Client, task_package: str) -> None:
    async with payload_machines(client, count=3, task_package=task_package) as machines:
        for number, machine in enumerate(machines):
            await machine.run("/bin/sh", "-c", f"rm /usr/bin/seq && echo {number} > /etc/number")
        for number, machine in enumerate(machines):
            assert await machine.run("cat", "/etc/number") == f"{number}\n"
