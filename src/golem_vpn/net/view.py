"""This node as the API shows it."""

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from golem_vpn.net.carriers import Net
from golem_vpn.net.relay_view import RelayState, relay_states


class NodeView:
    """Looks at a node and what carries its packets."""

    def __init__(self, net: Net, started_at: float) -> None:
        self._net = net
        self.node_id = net.node.control.node_id
        self.version = version("golem-vpn")
        self.started_at = started_at

    def addresses(self) -> list[str]:
        """Gives where control connections are accepted, as `ip:port`."""
        return self._net.endpoint.addresses

    def connected(self) -> Iterable[str]:
        """Gives the nodes that a control connection stands to."""
        return self._net.node.control.connected

    def peers(self) -> list[str]:
        """Gives the nodes that this one shares networks with."""
        return list(self._net.node.peers.wanted)

    def name_of(self, node_id: str) -> str:
        """Gives what a node calls itself; nothing where it is not known."""
        known = self._net.node.control.book.find(node_id)
        return known.record.name if known else ""

    async def relays(self) -> list[RelayState]:
        """Gives the relays of the joined hubs, and how this node does with them."""
        return relay_states(self._net.node.relays, self.node_id, await self.snapshot())

    def relay_counters(self) -> dict[str, int]:
        """Counts what went through this node's own relay, and who asks it for addresses."""
        node = self._net.node
        counted = node.own_relay.server.counters() if node.own_relay else {}
        counters = {f"relay_{name}": value for name, value in counted.items()}
        return counters | ({"reflection_askers": node.mirror.askers} if node.mirror else {})

    async def snapshot(self) -> dict[str, Any]:
        """Gives what the data plane counts, its peers, its devices, and the offloads in use."""
        return await self._net.data_plane.snapshot()
