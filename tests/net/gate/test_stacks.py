"""Which TCP/IP stack the gate uses, and what happens when the kernel's is lost."""

import os
import signal
from pathlib import Path

import anyio
import pytest

from golem_vpn.cli.local_set import LocalSet
from golem_vpn.errors import RuntimeUnavailable
from golem_vpn.net.stack_helper import stack_helper
from golem_vpn.sdk.client import Client
from golem_vpn.sdk.gate import open_gate
from tests.net.gate import KERNEL, USER_SPACE, either_stack
from tests.net.gate.test_gate import ECHO_PORT, start_echo
from tests.net.machines import payload_machines, stack_kinds

pytestmark = [pytest.mark.network, pytest.mark.anyio]

KINDS = {KERNEL: "tun", USER_SPACE: "stack"}


def helpers(daemon: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            is_helper = b"stack_helper_main" in status.read_bytes()
            parent = int(status.with_name("stat").read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if is_helper and parent == daemon:
            found.append(int(status.parent.name))
    return found


async def talk(client: Client, network: str, address: str) -> None:
    async with open_gate(client, network, address, ECHO_PORT) as gate:
        await gate.send(b"hello")
        assert await gate.recv() == b"hello"


@either_stack
async def test_the_kernel_is_used_unless_told_otherwise(client: Client, local_set: LocalSet, gate_stack: str) -> None:
    assert len(helpers(local_set.requestor().pid)) == (gate_stack == KERNEL)
    async with payload_machines(client, count=1) as (machine,):
        await start_echo(machine)
        await talk(client, machine.network, machine.address)
        assert await stack_kinds(client) == {KINDS[gate_stack]}
    assert await stack_kinds(client) == set()


@either_stack
async def test_networks_of_the_same_range_are_apart(client: Client) -> None:
    async with payload_machines(client, count=1) as (one,), payload_machines(client, count=1) as (other,):
        assert one.address == other.address
        await start_echo(one)
        await start_echo(other)
        async with open_gate(client, one.network, one.address, ECHO_PORT) as first:
            await talk(client, other.network, other.address)
            await client.add_address(other.network, "192.168.0.50")
            await first.send(b"still")
            assert await first.recv() == b"still"


async def test_a_lost_helper_costs_the_connections_and_no_more(client: Client, local_set: LocalSet) -> None:
    async with payload_machines(client, count=1) as (machine,):
        await start_echo(machine)
        await talk(client, machine.network, machine.address)
        [helper] = helpers(local_set.requestor().pid)
        os.kill(helper, signal.SIGKILL)
        with anyio.fail_after(20):
            await talk(client, machine.network, machine.address)
        assert await stack_kinds(client) == {"tun"}
        assert helpers(local_set.requestor().pid) != [helper]


async def test_what_the_machine_lacks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLEM_VPN_TUN_DEVICE", str(tmp_path / "tun"))
    with stack_helper() as helper, pytest.raises(RuntimeUnavailable, match=str(tmp_path)):
        await helper.namespaces()
