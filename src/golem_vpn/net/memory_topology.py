"""A data plane in memory, which carries nothing."""

import asyncio
from collections.abc import Sequence
from typing import Any

from golem_vpn.net.dataplane import Reflector
from golem_vpn.net.document import NetworkDocument
from golem_vpn.net.record import Candidate


class MemoryTopology:
    """A topology that only remembers what it was told."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.networks: dict[str, NetworkDocument] = {}
        self.reflected: list[str] = []
        self.mapped: list[str] = []
        self.peers: dict[str, tuple[str, ...]] = {}
        self.peer_relays: dict[str, tuple[list[str], bytes | None]] = {}
        self.relays: list[str] = []
        self.reflectors: list[Reflector] = []
        self.reflecting: dict[int, bytes] = {}
        self.resets: list[str] = []
        self.peer_counters: list[dict[str, Any]] = []
        self.wants: asyncio.Queue[str] = asyncio.Queue()

    def set_network(self, document: NetworkDocument) -> None:
        """Remembers a network."""
        self.networks[document.id] = document

    def remove_network(self, network_id: str) -> None:
        """Forgets a network."""
        self.networks.pop(network_id, None)

    def set_peer(
        self, node_id: str, candidates: Sequence[Candidate], relays: Sequence[str], carrier_id: bytes | None
    ) -> None:
        """Remembers where a node is."""
        self.peers[node_id] = tuple(candidate.address for candidate in candidates)
        self.peer_relays[node_id] = list(relays), carrier_id

    def forget_peer(self, node_id: str) -> None:
        """Forgets a node."""
        self.peers.pop(node_id, None)
        self.peer_relays.pop(node_id, None)

    def reset_peer(self, node_id: str) -> None:
        """Remembers that a node restarted."""
        self.resets.append(node_id)

    def set_relays(self, relays: Sequence[str]) -> None:
        """Remembers the relays."""
        self.relays = list(relays)

    def set_reflectors(self, reflectors: Sequence[Reflector]) -> None:
        """Remembers who could tell this node's address."""
        self.reflectors = list(reflectors)

    def admit_reflection(self, index: int, key: bytes) -> None:
        """Remembers who may ask for its address."""
        self.reflecting[index] = key

    def dismiss_reflection(self, index: int) -> None:
        """Forgets who may ask."""
        del self.reflecting[index]

    async def next_wanted(self) -> str:
        """Waits for a node that a test has packets wait for."""
        return await self.wants.get()

    async def snapshot(self) -> dict[str, Any]:
        """Gives the counters that a test put in."""
        return {"peers": self.peer_counters}
