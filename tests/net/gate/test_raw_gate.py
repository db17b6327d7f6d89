"""The raw gate: Ethernet frames between an application and a payload, over the whole way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from golem_vpn.sdk.client import Client
from golem_vpn.sdk.gate import open_gate
from golem_vpn.sdk.machine import PayloadMachine
from tests.net import frames
from tests.net.gate import either_stack
from tests.net.gate.test_gate import ECHO_PORT, start_echo
from tests.net.machines import payload_machines

pytestmark = [pytest.mark.network, pytest.mark.anyio]

OWN = "192.168.0.1"
PATIENCE = 20


@asynccontextmanager
async def raw_gate(client: Client, network: str, source: str, destination: str) -> AsyncIterator[ClientConnection]:
    url = f"{client.url.replace('http', 'ws', 1)}/net-api/v1/net/{network}/raw/from/{source}/to/{destination}"
    headers = {"Authorization": f"Bearer {client.app_key}"}
    async with connect(url, additional_headers=headers, compression=None, proxy=None) as gate:
        yield gate


async def receive(gate: ClientConnection) -> bytes:
    with anyio.fail_after(PATIENCE):
        message = await gate.recv()
    assert isinstance(message, bytes)
    return message


async def drops(client: Client, reason: str) -> float:
    async with httpx.AsyncClient(base_url=client.url) as http:
        lines = (await http.get("/metrics")).text.splitlines()
    prefix = f'golem_vpn_raw_gate_drops_total{{reason="{reason}"}} '
    return sum(float(line.removeprefix(prefix)) for line in lines if line.startswith(prefix))


async def talk(client: Client, machine: PayloadMachine, message: bytes) -> None:
    async with open_gate(client, machine.network, machine.address, ECHO_PORT) as gate:
        await gate.send(message)
        assert await receive(gate) == message


@either_stack
async def test_echoes_come_back_as_frames_while_tcp_goes_on(client: Client) -> None:
    async with payload_machines(client, count=1) as (machine,):
        await start_echo(machine)
        there = machine.address
        async with open_gate(client, machine.network, there, ECHO_PORT) as earlier:
            async with raw_gate(client, machine.network, OWN, there) as gate:
                await gate.send(frames.arp_request(OWN, there))
                answer = await receive(gate)
                assert answer[22:32] == frames.mac_of(there) + bytes([192, 168, 0, 2])
                for sequence in range(20):
                    data = bytes([sequence]) * 60 * sequence
                    await gate.send(frames.echo_request(OWN, there, sequence, data))
                    assert frames.echo_reply(await receive(gate)) == (sequence, data)
                request = frames.echo_request(OWN, there, 7)
                await gate.send([request[:5], request[5:]])
                assert frames.echo_reply(await receive(gate))[0] == 7
                await talk(client, machine, b"new")
                await earlier.send(b"old")
                assert await receive(earlier) == b"old"
            await earlier.send(b"afterwards")
            assert await receive(earlier) == b"afterwards"


@either_stack
async def test_frames_pass_over_ipv6_as_well(client: Client) -> None:
    async with (
        payload_machines(client, "fd07::/64", count=1) as (machine,),
        raw_gate(client, machine.network, "fd07::1", machine.address) as gate,
    ):
        await gate.send(frames.echo_request("fd07::1", machine.address, 1))
        assert frames.echo_reply(await receive(gate)) == (1, b"hello")


@either_stack
async def test_a_spoofed_source_goes_nowhere(client: Client) -> None:
    async with payload_machines(client, count=1) as (machine,):
        there = machine.address
        await client.add_address(machine.network, "192.168.0.50")
        before = await drops(client, "foreign_source")
        async with raw_gate(client, machine.network, OWN, there) as gate:
            for source in ("192.168.0.50", "192.168.0.99", "10.1.2.3", there):
                await gate.send(frames.echo_request(source, there, 1))
            await gate.send(frames.echo_request(OWN, "192.168.0.3", 2))
            await gate.send(frames.echo_request(OWN, there, 3))
            assert frames.echo_reply(await receive(gate))[0] == 3
            assert await drops(client, "foreign_source") == before + 4
        assert await drops(client, "foreign_source") == before + 4
        assert await drops(client, "foreign_destination") >= 1


@either_stack
async def test_too_long_a_packet_is_answered_with_what_fits(client: Client) -> None:
    async with (
        payload_machines(client, count=1) as (machine,),
        raw_gate(client, machine.network, OWN, machine.address) as gate,
    ):
        await gate.send(frames.echo_request(OWN, machine.address, 1, bytes(1472)))
        packet = (await receive(gate))[14:]
        assert (packet[20], packet[21]) == (3, 4), "fragmentation needed"


@either_stack
async def test_the_second_gate_closes_the_first(client: Client) -> None:
    async with (
        payload_machines(client, count=1) as (machine,),
        raw_gate(client, machine.network, OWN, machine.address) as first,
        raw_gate(client, machine.network, OWN, machine.address) as second,
    ):
        with anyio.fail_after(PATIENCE), pytest.raises(ConnectionClosed, match="another gate"):
            await first.recv()
        await second.send(frames.echo_request(OWN, machine.address, 1))
        assert frames.echo_reply(await receive(second))[0] == 1


async def test_addresses_that_are_not_theirs_are_told(client: Client) -> None:
    async with payload_machines(client, count=1) as (machine,):
        for source, destination in (("192.168.0.9", machine.address), (OWN, "192.168.0.9")):
            with pytest.raises(InvalidStatus) as refused:
                async with raw_gate(client, machine.network, source, destination):
                    pass
            assert refused.value.response.status_code == 400
            assert b"Connection error: " in (refused.value.response.body or b"")
