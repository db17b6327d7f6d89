"""What the rest of the daemon asks of the data plane, in node ids and network ids as they are written elsewhere."""

from collections.abc import Sequence
from typing import Any, Protocol

from golem_vpn.net.document import NetworkDocument

Attachment = tuple[str, Sequence[str]]
"""A network's id, and the addresses that a device has in it."""


class Topology(Protocol):
    """Who is in which network, and where the packets of a node go."""

    @property
    def addresses(self) -> list[str]:
        """Where others may send packets to, `IP:PORT`."""

    def set_network(self, document: NetworkDocument) -> None:
        """Makes a network as the document says, in place of what it was."""

    def remove_network(self, network_id: str) -> None:
        """Ends a network, with all its sessions."""

    def set_peer(self, node_id: str, addresses: Sequence[str]) -> None:
        """Says where a node takes packets."""

    def forget_peer(self, node_id: str) -> None:
        """Drops what is known of a node."""

    def reset_peer(self, node_id: str) -> None:
        """Drops the sessions with a node that restarted."""

    async def next_wanted(self) -> str:
        """Waits for the next node that packets wait for and that cannot be reached, since it moved or is unknown."""

    async def snapshot(self) -> dict[str, Any]:
        """Counts what went through."""
