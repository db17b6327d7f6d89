"""A provider's payload machine, from hire to the end of its activity, in a few calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from golem_vpn.errors import GolemVpnError
from golem_vpn.sdk.client import Client
from golem_vpn.sdk.models import CommandResult

POLL_SECONDS = 5.0
TASK_PACKAGE = "golem.srv.comp.task_package"


class CommandFailed(GolemVpnError):
    """A command of the activity failed; the message is the payload's own."""


@dataclass(frozen=True, slots=True)
class PayloadMachine:
    """An activity on a provider, with one address in one network."""

    client: Client
    node_id: str
    agreement_id: str
    activity_id: str
    network: str
    address: str

    @classmethod
    async def create(
        cls, client: Client, node_id: str, network: str, address: str, *, task_package: str | None = None
    ) -> "PayloadMachine":
        """Hires a provider, makes an activity and gives it an address in a network.

        Args:
            client: The requestor's daemon.
            node_id: The provider.
            network: The id of a network of the requestor's.
            address: The bare IP address.
            task_package: The image that the payload's programs come from; the provider's own file system if none.
        """
        agreement = await client.hire(node_id, {} if task_package is None else {TASK_PACKAGE: task_package})
        activity_id = await client.create_activity(agreement.agreement_id)
        await client.add_node(network, node_id, address)
        return cls(client, node_id, agreement.agreement_id, activity_id, network, address)

    async def start(
        self,
        *,
        hosts: Mapping[str, str] | None = None,
        hostname: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Deploys and starts the activity, as Golem's SDKs do.

        Raises:
            CommandFailed: the provider could not; the message says why.
        """
        network = await self.client.network(self.network)
        nodes = {node.ip: node.id for node in await self.client.network_nodes(self.network)}
        net = {"id": self.network, "ip": network.ip, "nodeIp": self.address, "nodes": nodes}
        deploy: dict[str, object] = {"net": [net], "hosts": dict(hosts or {}), "env": dict(env or {})}
        if hostname:
            deploy["hostname"] = hostname
        await self.finish(await self.client.execute(self.activity_id, [{"deploy": deploy}, {"start": {}}]))

    async def spawn(self, program: str, *arguments: str) -> str:
        """Starts a program that goes on in the background, and gives its batch id."""
        return await self.client.execute(self.activity_id, [_run(program, arguments)])

    async def run(self, program: str, *arguments: str, timeout: float = 30.0) -> str:
        """Runs a program to its end and gives what it printed.

        Raises:
            CommandFailed: it failed, or took longer than `timeout` seconds.
        """
        return await self.finish(await self.spawn(program, *arguments), timeout)

    async def finish(self, batch_id: str, timeout: float = 30.0) -> str:
        """Waits for a batch and gives the standard output of its last command.

        Raises:
            CommandFailed: a command failed, or the batch took longer than `timeout` seconds.
        """
        waited = 0.0
        while waited < timeout:
            results = await self.client.results(self.activity_id, batch_id, timeout=POLL_SECONDS)
            if results and results[-1].is_batch_finished:
                return _output(results[-1])
            waited += POLL_SECONDS
        raise CommandFailed(f"the batch was not done within {timeout:g} s")

    async def end(self) -> None:
        """Ends the activity and the agreement, and takes the node out of the network."""
        await self.client.destroy_activity(self.activity_id)
        await self.client.remove_node(self.network, self.node_id)
        await self.client.terminate_agreement(self.agreement_id)


def _run(program: str, arguments: Sequence[str]) -> dict[str, object]:
    capture: dict[str, object] = {"stdout": {"atEnd": {}}, "stderr": {"atEnd": {}}}
    return {"run": {"entry_point": program, "args": list(arguments), "capture": capture}}


def _output(result: CommandResult) -> str:
    if result.result != "Ok":
        texts = (result.message, result.stderr, result.stdout)
        raise CommandFailed("\n".join(str(text).strip() for text in texts if text) or "the command failed")
    return str(result.stdout or "")
