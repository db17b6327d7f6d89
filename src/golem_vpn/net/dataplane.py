"""What the rest of the daemon asks of the data plane, in node ids and network ids as they are written elsewhere."""

from collections.abc import Sequence
from typing import Any, Protocol

from golem_vpn.net.document import NetworkDocument
from golem_vpn.net.record import Candidate

Attachment = tuple[str, Sequence[str]]
"""A network's id, and the addresses that a device has in it."""
Reflector = tuple[str, int, bytes]
"""Where a node tells others what address they have, `IP:PORT`; and the index and the key that it gave for that."""


class Topology(Protocol):
    """Who is in which network, and where the packets of a node go."""

    @property
    def addresses(self) -> list[str]:
        """Where others may send packets to, `IP:PORT`."""

    @property
    def reflected(self) -> list[str]:
        """The addresses that others saw packets of this node come from, newest first."""

    @property
    def mapped(self) -> list[str]:
        """The addresses that this node's router opened for it."""

    def set_network(self, document: NetworkDocument) -> None:
        """Makes a network as the document says, in place of what it was."""

    def remove_network(self, network_id: str) -> None:
        """Ends a network, with all its sessions."""

    def set_peer(
        self, node_id: str, candidates: Sequence[Candidate], relays: Sequence[str], carrier_id: bytes | None
    ) -> None:
        """Says where a node takes packets, and through which relays."""

    def forget_peer(self, node_id: str) -> None:
        """Drops what is known of a node."""

    def reset_peer(self, node_id: str) -> None:
        """Drops the sessions with a node that restarted."""

    async def next_wanted(self) -> str:
        """Waits for the next node that packets wait for and that cannot be reached, since it moved or is unknown."""

    def set_relays(self, relays: Sequence[str]) -> None:
        """Keeps connections to these relays from now on, and to no others."""

    def set_reflectors(self, reflectors: Sequence[Reflector]) -> None:
        """Asks these from now on what address this node's packets come from."""

    def admit_reflection(self, index: int, key: bytes) -> None:
        """Answers to whoever asks under this index and key what address it has outside."""

    def dismiss_reflection(self, index: int) -> None:
        """Takes back what `admit_reflection` gave."""

    async def snapshot(self) -> dict[str, Any]:
        """Counts what went through."""
