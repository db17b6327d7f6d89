"""Machines at Golem providers in one private network, for the programs of this folder."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from golem.managers import DefaultPaymentManager
from golem.node import GolemNode
from golem.payload import VmPayload
from golem.resources import Activity, Agreement, Demand, Deploy, Network, Run, Start

CHUNK = 65536


@dataclass
class Machine:
    """One activity, and its address in the network."""

    activity: Activity
    agreement: Agreement
    network: Network
    ip: str

    async def run(self, *commands: str) -> list[str]:
        """Runs shell commands one after the other, and gives what each of them wrote."""
        batch = await self.activity.execute_commands(*(Run(command) for command in commands))
        return [event.stdout or "" for event in await batch.wait(60)]

    async def forward(self, local_port: int, port: int) -> asyncio.Server:
        """Makes a port of this machine lead to a port of that one, through the gate."""
        url = f"{os.environ['YAGNA_API_URL']}/net-api/v1/net/{self.network.id}/tcp/{self.ip}/{port}"

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            headers = {"Authorization": f"Bearer {os.environ['YAGNA_APPKEY']}"}
            try:
                async with (
                    aiohttp.ClientSession() as session,
                    session.ws_connect(url, headers=headers) as gate,
                    asyncio.TaskGroup() as tasks,
                ):
                    sending = tasks.create_task(_send(reader, gate))
                    async for message in gate:
                        writer.write(message.data)
                        await writer.drain()
                    sending.cancel()
            finally:
                writer.close()

        return await asyncio.start_server(serve, "127.0.0.1", local_port)


async def _send(reader: asyncio.StreamReader, gate: aiohttp.ClientWebSocketResponse) -> None:
    while data := await reader.read(CHUNK):
        await gate.send_bytes(data)
    await gate.close()


@asynccontextmanager
async def machines(count: int, task_package: str) -> AsyncIterator[list[Machine]]:
    """Hires machines that run an image, and gives them back and pays for them at the end."""
    golem = GolemNode()
    payments = DefaultPaymentManager(golem, budget=1.0)
    hired: list[Machine] = []
    async with golem, payments:
        network = await golem.create_network("192.168.0.0/24")
        payload = VmPayload(package_url=task_package, capabilities=["vpn"])
        demand = await golem.create_demand(payload, allocations=[await payments.get_allocation()])
        try:
            while len(hired) < count:
                hired.append(await _hire(demand, network))
            await network.refresh_nodes()
            yield hired
        finally:
            for machine in hired:
                await machine.agreement.close_all()


async def _hire(demand: Demand, network: Network) -> Machine:
    async for proposal in demand.initial_proposals():
        counter = await proposal.respond()
        async for draft in counter.responses():
            agreement = await draft.create_agreement(autoclose=False)
            await agreement.confirm()
            if not await agreement.wait_for_approval():
                break
            activity = await agreement.create_activity(autoclose=False)
            ip = await network.create_node(await draft.get_provider_id())
            batch = await activity.execute_commands(Deploy({"net": [network.deploy_args(ip)]}), Start())
            await batch.wait(120)
            return Machine(activity, agreement, network, ip)
    raise RuntimeError("the demand has ended")
