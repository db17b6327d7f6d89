"""The steps of the demo, each timed and told as it happens."""

import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import TypeVar

import anyio

from golem_vpn.cli.console import err, waiting
from golem_vpn.cli.demo import payloads
from golem_vpn.sdk.client import Client
from golem_vpn.sdk.gate import open_gate, receive_all
from golem_vpn.sdk.machine import CommandFailed, PayloadMachine

NETWORK = "192.168.0.0/24"
ADDRESSES = ("192.168.0.2", "192.168.0.3")
NAMES = ("A", "B")

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was shown."""

    title: str
    outcome: str
    seconds: float


@dataclass(slots=True)
class Story:
    """What happened so far."""

    steps: list[Step] = field(default_factory=list)

    async def tell(self, title: str, action: Awaitable[str]) -> str:
        """Runs one step and prints it with its time."""
        start = time.monotonic()
        with waiting(title):
            outcome = await action
        self.add(title, outcome, time.monotonic() - start)
        return outcome

    def add(self, title: str, outcome: str, seconds: float) -> None:
        """Notes a step that has been done, and prints it."""
        self.steps.append(Step(title, outcome, seconds))
        err.print(f"{seconds:6.2f} s  {title}: {outcome}", markup=False)


async def play(client: Client, story: Story) -> None:
    """Shows everything on a set that is up, and removes what it made."""
    async with DemoNetwork(client, story) as demo:
        await demo.show()


class DemoNetwork(AbstractAsyncContextManager["DemoNetwork"]):
    """The demo's network with a payload machine on either provider."""

    def __init__(self, client: Client, story: Story) -> None:
        self._client = client
        self._story = story
        self._network = ""
        self._machines: list[PayloadMachine] = []

    async def __aenter__(self) -> "DemoNetwork":
        await self._story.tell("create network", self._create())
        await self._story.tell("hire two providers", self._hire())
        await self._story.tell("deploy and start the payload machines", self._start())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            await self._story.tell("remove nodes and network", self._remove())

    async def show(self) -> None:
        """Lets the payloads talk to each other and to the requestor."""
        a, b = self._machines
        for machine, server in ((a, payloads.HTTP_SERVER), (a, payloads.UDP_ECHO), (b, payloads.BULK_SINK)):
            await machine.spawn(*payloads.command(server))
        tell = self._story.tell
        await tell(f"B fetches http://{a.address}:{payloads.HTTP_PORT}/", _call(b, payloads.HTTP_CLIENT, a.address))
        await tell(f"B pings {a.address}", _call(b, payloads.PING, a.address))
        await tell(f"B sends UDP to {a.address}", _call(b, payloads.UDP_CLIENT, a.address))
        await tell("the requestor fetches the page through the gate", self._fetch_through_gate(a.address))
        await tell("throughput from A to B, encrypted", _call(a, payloads.BULK_SOURCE, b.address))

    async def _create(self) -> str:
        network = await self._client.create_network(NETWORK)
        self._network = network.id
        return f"{network.ip}, id {network.id}"

    async def _hire(self) -> str:
        providers = [node for node in await self._client.nodes() if "provider" in node.roles and node.online]
        if len(providers) < len(NAMES):
            raise CommandFailed(f"the hub knows {len(providers)} providers, the demo needs {len(NAMES)}")
        for provider, address in zip(providers, ADDRESSES, strict=False):
            self._machines.append(await PayloadMachine.create(self._client, provider.node_id, self._network, address))
        return self._named(lambda machine: f"{machine.node_id[:10]}…")

    async def _start(self) -> str:
        async with anyio.create_task_group() as group:
            for machine in self._machines:
                group.start_soon(machine.start)
        return self._named(lambda machine: machine.address)

    async def _fetch_through_gate(self, address: str) -> str:
        request = f"GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        async with open_gate(self._client, self._network, address, payloads.HTTP_PORT) as gate:
            await gate.send(request.encode())
            answer = await receive_all(gate)
        return answer.partition(b"\r\n\r\n")[2].decode()

    async def _remove(self) -> str:
        for machine in self._machines:
            await machine.end()
        await self._client.remove_network(self._network)
        return "done"

    def _named(self, describe: Callable[[PayloadMachine], str]) -> str:
        pairs = zip(NAMES, self._machines, strict=True)
        return ", ".join(f"{name} is {describe(machine)}" for name, machine in pairs)


async def _call(machine: PayloadMachine, program: str, *arguments: str) -> str:
    return (await machine.run(*payloads.command(program, *arguments))).strip()
