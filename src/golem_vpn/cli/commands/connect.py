"""`golem-vpn connect`: standard input and output as a TCP connection into a network."""

import os
import sys
from typing import Annotated

import anyio
import anyio.to_thread
from cyclopts import App, Group, Parameter
from cyclopts.validators import Number
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from golem_vpn.cli.options import Place, check_ip
from golem_vpn.cli.session import with_client
from golem_vpn.sdk.client import Client
from golem_vpn.sdk.gate import open_gate

CHUNK = 65536


def register(app: App, group: Group) -> None:
    """Adds the command."""
    app.command(connect, group=group)


def connect(
    network: str,
    ip: Annotated[str, Parameter(validator=check_ip)],
    port: Annotated[int, Parameter(validator=Number(gte=1, lte=65535))],
    /,
    *,
    place: Place = Place(),
) -> None:
    """Connect standard input and output to a payload's TCP port.

    For instance as a ProxyCommand of OpenSSH:

    ssh -o ProxyCommand='golem-vpn connect NETWORK %h %p' user@192.168.0.2

    Args:
        network: The network's id.
        ip: The payload's virtual address.
        port: Its TCP port.
    """

    async def bridge(client: Client) -> None:
        async with open_gate(client, network, ip, port) as gate, anyio.create_task_group() as group:
            group.start_soon(_send_input, gate)
            await _print_output(gate)
            group.cancel_scope.cancel()

    with_client(place.data_dir, bridge, what="")
    # A thread may still wait for input that never comes; leaving through the interpreter would wait for it.
    sys.stdout.flush()
    os._exit(0)


async def _send_input(gate: ClientConnection) -> None:
    while chunk := await anyio.to_thread.run_sync(os.read, 0, CHUNK, abandon_on_cancel=True):
        await gate.send(chunk)


async def _print_output(gate: ClientConnection) -> None:
    try:
        while True:
            message = await gate.recv()
            chunk = message.encode() if isinstance(message, str) else message
            while chunk:
                chunk = chunk[os.write(1, chunk) :]
    except ConnectionClosed:
        return
