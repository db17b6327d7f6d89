"""Real daemons in the laboratory."""

import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from time import sleep
from typing import Any, TypeVar

from golem_vpn.cli.session import daemon_file, with_client
from golem_vpn.errors import GolemVpnError
from golem_vpn.sdk.client import Client
from tests.lab.namespace import Namespace

Result = TypeVar("Result")

ATTEMPTS = 150
PAUSE = 0.1
STOP_SECONDS = 10
ATTACH_SECONDS = 15.0
"""What a machine waits for word that it is in a network."""


class Node:
    """A daemon on a machine, and the machine itself as a member of networks."""

    def __init__(self, machine: Namespace, data_dir: Path, *options: str) -> None:
        self.machine = machine
        self.data_dir = data_dir
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)

    def start(self) -> None:
        """Starts the daemon; `wait_ready` says when it serves."""
        program = [sys.executable, "-m", "golem_vpn", "daemon", "--api", "127.0.0.1:0"]
        command = self.machine.command([*program, "--data-dir", str(self.data_dir), *self._options])
        with open(self.data_dir / "daemon.log", "ab") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)

    def wait_ready(self) -> None:
        """Returns when the daemon serves."""
        assert self._process is not None
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"the daemon did not start:\n{self.log()}")

    def begin_stop(self) -> None:
        """Asks the daemon to end, as an operator would; `stop` waits for it."""
        if self._process is not None:
            self._process.terminate()

    def stop(self) -> None:
        """Ends the daemon as an operator would."""
        self.begin_stop()
        self._reap()

    def kill(self) -> None:
        """Ends the daemon as a crash would."""
        if self._process is not None:
            self._process.kill()
        self._reap()

    def ask(self, action: Callable[[Client], Awaitable[Result]]) -> Result:
        """Calls the daemon's API from its own machine."""
        return self.machine.call(with_client, self.data_dir, action, "")

    def ask_until(self, action: Callable[[Client], Awaitable[Result]], what: str) -> Result:
        """Calls the daemon's API again and again until the call succeeds with something that is true.

        Raises:
            AssertionError: it never did.
        """
        for _ in range(ATTEMPTS):
            try:
                if answer := self.ask(action):
                    return answer
            except GolemVpnError:
                pass
            sleep(PAUSE)
        raise AssertionError(f"{self.machine.name}: {what}: never\n{self.log()}")

    @property
    def node_id(self) -> str:
        """The daemon's node id."""
        return daemon_file(self.data_dir).node_id

    def peers(self) -> list[dict[str, Any]]:
        """Tells what the daemon says of all nodes that it shares networks with, as the API gives it."""
        return self.ask(lambda client: client.ask(list[dict[str, Any]], "GET", "/golem-vpn/v1/peers"))

    def peer(self, node: "Node") -> dict[str, Any]:
        """Tells what the daemon says of another one, as the API gives it.

        Raises:
            LookupError: it says nothing.
        """
        for peer in self.peers():
            if peer["nodeId"] == node.node_id:
                return peer
        raise LookupError(f"{self.machine.name} knows nothing of {node.machine.name}")

    def log(self) -> str:
        """Gives what the daemon has logged."""
        return (self.data_dir / "daemon.log").read_text(errors="replace")

    def _reap(self) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None


class Nodes:
    """Daemons that are started together and ended at last."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._nodes: list[Node] = []
        stack.callback(self._end)

    def hub(self, machine: Namespace, *options: str) -> Node:
        """Starts a hub and returns when it serves."""
        hub, _ = self.start_all(machine, options, {})
        return hub

    def join(self, hub: Node, machines: dict[Namespace, tuple[str, ...]]) -> list[Node]:
        """Starts a daemon on each machine, with the options told, and has it join the hub."""
        return self._join(hub, self._start(machines))

    def start_all(
        self, hub: Namespace, options: tuple[str, ...], machines: dict[Namespace, tuple[str, ...]]
    ) -> tuple[Node, list[Node]]:
        """Starts a hub, with the options told, and those who join it all at once, which is quicker."""
        [node], others = self._start({hub: ("--hub", *options)}), self._start(machines)
        node.wait_ready()
        return node, self._join(node, others)

    def relays(self, hub: Node, machines: Iterable[Namespace]) -> list[Node]:
        """Starts a daemon with a relay on each machine, has it join the hub, and waits until that knows the relays."""
        relays = self.join(hub, dict.fromkeys(machines, ("--relay",)))

        async def known(client: Client) -> bool:
            told = await client.ask(list[dict[str, Any]], "GET", "/golem-vpn/v1/relays")
            return {relay.node_id for relay in relays} <= {relay["nodeId"] for relay in told}

        hub.ask_until(known, "knows the relays")
        return relays

    def _start(self, machines: dict[Namespace, tuple[str, ...]]) -> list[Node]:
        nodes = [self._node(machine, *options) for machine, options in machines.items()]
        for node in nodes:
            node.start()
        return nodes

    def _join(self, hub: Node, nodes: list[Node]) -> list[Node]:
        for node in nodes:
            node.wait_ready()
        for node in nodes:
            ticket = hub.ask(lambda client: client.create_ticket())
            node.ask(lambda client, ticket=ticket: client.join(ticket))  # type: ignore[misc]
        return nodes

    def _node(self, machine: Namespace, *options: str) -> Node:
        node = Node(machine, self._folder / machine.name, *options)
        self._nodes.append(node)
        return node

    def _end(self) -> None:
        for node in self._nodes:
            node.begin_stop()
        for node in self._nodes:
            node.stop()


def attach(owner: Node, members: dict[Node, str], network: str = "10.97.0.0/24") -> str:
    """Makes a network, in which machines have the addresses told, as interface `vpn0`; gives its id."""
    network_id = owner.ask(lambda client: client.create_network(network)).id
    for member, address in members.items():
        owner.ask(lambda client, node=member.node_id, ip=address: client.add_node(network_id, node, ip))  # type: ignore[misc]
    for member in members:
        member.ask(lambda client: client.attach(network_id, timeout=ATTACH_SECONDS))
    return network_id
