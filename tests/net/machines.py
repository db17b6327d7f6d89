"""Payload machines for tests, and what tests do with them."""

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from golem_vpn.sdk.client import Client
from golem_vpn.sdk.machine import CommandFailed, PayloadMachine


async def providers(client: Client, count: int) -> list[str]:
    """Gives the node ids of providers that are online; waits for them, for a while."""
    with anyio.fail_after(30):
        while True:
            found = [node.node_id for node in await client.nodes() if "provider" in node.roles and node.online]
            if len(found) >= count:
                return sorted(found)
            await anyio.sleep(0.1)


async def stack_kinds(client: Client) -> set[str]:
    """Gives what the data plane takes the stacks of a daemon's gates for: `tun`, the kernel's, or `stack`."""
    return {device["kind"] for device in (await client.status())["devices"] if device["name"] == "stack"}


@asynccontextmanager
async def payload_machines(
    client: Client,
    cidr: str = "192.168.0.0/24",
    *,
    count: int = 2,
    on: list[str] | None = None,
    task_package: str | None = None,
) -> AsyncIterator[list[PayloadMachine]]:
    """Gives started machines in a network of their own, with the addresses .2, .3, …; removes all afterwards."""
    network = await client.create_network(cidr)
    machines = []
    try:
        nodes = on or await providers(client, min(count, 2))
        hosts = ipaddress.ip_network(cidr)
        for number in range(count):
            address = str(hosts[number + 2])
            node = nodes[number % len(nodes)]
            machines.append(await PayloadMachine.create(client, node, network.id, address, task_package=task_package))
        for machine in machines:
            await machine.start()
        yield machines
    finally:
        with anyio.move_on_after(20, shield=True):
            for machine in machines:
                await machine.end()
            await client.remove_network(network.id)


async def write_file(machine: PayloadMachine, path: str, text: str) -> None:
    """Writes a file in the payload's file system."""
    await machine.run("/bin/sh", "-c", 'printf %s "$1" > "$2"', "sh", text, path)


async def eventually(machine: PayloadMachine, program: str, *arguments: str) -> str:
    """Runs a program again until it succeeds, because what it asks for may still be starting."""
    for _ in range(40):
        try:
            return await machine.run(program, *arguments)
        except CommandFailed:
            await anyio.sleep(0.1)
    return await machine.run(program, *arguments)
