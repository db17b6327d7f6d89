"""The networks of this node's identities: what the Net API asks for, stored first, then made true.

A change is stored before anything else happens; publishing follows from what is stored. So a daemon that dies between
the two makes up for it when it starts.
"""

import re
import uuid
from collections.abc import AsyncIterator, Container
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import anyio
import msgspec
import structlog

from golem_vpn.errors import Conflict, Forbidden, GolemVpnError, InvalidInput, NotFound
from golem_vpn.store.networks import NetworkRepository, StoredNetwork
from golem_vpn.vpn.addresses import Subnet
from golem_vpn.vpn.model import Connection, NetworkInfo, NetworkNode
from golem_vpn.vpn.network import Network
from golem_vpn.vpn.ports import FrameStream, Publisher, Stack, Stacks, Stream

CONNECT_TIMEOUT_SECONDS = 5.0

log = structlog.get_logger()


@dataclass
class LiveNetwork:
    """A network at work: its present state, and the stack that this node has in it, once it was needed."""

    network: Network
    stack: Stack | None = None
    changing: anyio.Lock = field(default_factory=anyio.Lock)


class NetworkService:
    """Keeps the networks that the identities of this daemon own, each visible to its owner alone."""

    def __init__(
        self,
        repository: NetworkRepository,
        publisher: Publisher,
        stacks: Stacks,
        *,
        node_id: str,
        own_ids: Container[str],
    ) -> None:
        self._repository = repository
        self._publisher = publisher
        self._stacks = stacks
        self._node_id = node_id
        self._own_ids = own_ids
        self._live: dict[str, LiveNetwork] = {}

    async def start(self) -> None:
        """Takes the stored networks up again, and makes up for what was stored but not told."""
        for stored in await self._repository.all():
            try:
                await self._resume(stored)
            except GolemVpnError as error:
                # One network that cannot be told any more, say for a lost identity, is no reason to stay away.
                log.error("network not published", network=stored.id, error=error.message)

    def close(self) -> None:
        """Ends all connections into the networks; the networks stay."""
        for live in self._live.values():
            if live.stack is not None:
                live.stack.close()
        self._live.clear()

    async def list(self, owner: str) -> tuple[NetworkInfo, ...]:
        """Lists the owner's networks by id."""
        owned = (live.network for live in self._live.values() if live.network.stored.owner == owner)
        return tuple(network.info for network in sorted(owned, key=lambda network: network.stored.id))

    async def create(self, owner: str, ip: str, mask: str | None = None, gateway: str | None = None) -> NetworkInfo:
        """Makes a network.

        Raises:
            InvalidInput: the range is malformed, or none that nodes can live in.
        """
        subnet = Subnet.parse(ip, mask, gateway)
        stored = StoredNetwork(
            id=uuid.uuid4().hex,
            owner=owner,
            ip=subnet.cidr,
            gateway=str(subnet.gateway),
            created=datetime.now(UTC),
        )
        await self._repository.add(stored)
        live = self._live[stored.id] = LiveNetwork(Network(stored, self._own_ids))
        async with live.changing:
            await self._publisher.publish(live.network.draft(self._node_id))
        log.info("network created", network=stored.id)
        return live.network.info

    async def show(self, owner: str, network_id: str) -> NetworkInfo:
        """Shows a network of the owner."""
        return self._owned(owner, network_id).network.info

    async def remove(self, owner: str, network_id: str) -> None:
        """Removes a network: its members are told, and its connections end."""
        async with self._changing(owner, network_id) as live:
            await self._repository.mark_removed(network_id)
            del self._live[network_id]
            if live.stack is not None:
                live.stack.close()
            await self._finish_removal(network_id)
        log.info("network removed", network=network_id)

    async def addresses(self, owner: str, network_id: str) -> tuple[str, ...]:
        """Lists the owner's own addresses in a network in CIDR form."""
        return self._owned(owner, network_id).network.owner_addresses

    async def add_address(self, owner: str, network_id: str, ip: str) -> None:
        """Gives the owner an address in its network; the first one so given is the source of its connections."""
        async with self._changing(owner, network_id) as live:
            claim = live.network.claim_for_owner(ip)
            if claim is not None:
                await self._repository.add_address(network_id, claim)
                stored = live.network.stored
                await self._apply(live, msgspec.structs.replace(stored, addresses=(*stored.addresses, claim)))

    async def nodes(self, owner: str, network_id: str) -> tuple[NetworkNode, ...]:
        """Lists the nodes of a network, an entry for each address."""
        nodes = self._owned(owner, network_id).network.stored.nodes
        return tuple(NetworkNode(node.node_id, node.ip) for node in nodes)

    async def add_node(self, owner: str, network_id: str, node_id: str, ip: str) -> None:
        """Gives a node an address in a network; the same once more changes nothing."""
        async with self._changing(owner, network_id) as live:
            claim = live.network.claim_for_node(parse_node_id(node_id), ip)
            if claim is not None:
                await self._repository.add_node(network_id, claim)
                stored = live.network.stored
                await self._apply(live, msgspec.structs.replace(stored, nodes=(*stored.nodes, claim)))

    async def remove_node(self, owner: str, network_id: str, node_id: str) -> None:
        """Takes a node with all its addresses out of a network; an unknown one changes nothing."""
        async with self._changing(owner, network_id) as live:
            stored = live.network.stored
            remaining = tuple(node for node in stored.nodes if node.node_id != node_id.lower())
            if len(remaining) < len(stored.nodes):
                await self._repository.remove_node(network_id, node_id.lower())
                await self._apply(live, msgspec.structs.replace(stored, nodes=remaining))

    def gate_addresses(self, network_id: str) -> tuple[str, ...]:
        """Lists the addresses that this node's own TCP/IP has in a network; none where the network is another's."""
        live = self._live.get(network_id)
        cidrs = () if live is None else live.network.stack_addresses
        return tuple(cidr.partition("/")[0] for cidr in cidrs)

    async def connections(self, owner: str, network_id: str) -> tuple[Connection, ...]:
        """Lists the open connections from this node into a network."""
        stack = self._owned(owner, network_id).stack
        return () if stack is None else tuple(stack.connections())

    async def connect(self, owner: str, network_id: str, ip: str, port: int) -> Stream:
        """Opens a TCP connection into a network.

        Raises:
            InvalidInput: the address is outside, or there is no such port.
            ConnectionRefused: nothing listens there.
            ConnectionTimeout: nothing answered in time.
        """
        address = self._owned(owner, network_id).network.subnet.parse_node_address(ip)
        if not 0 < port <= 65_535:
            raise InvalidInput(f"Connection error: there is no port {port}")
        stack = await self._stack(owner, network_id)
        return await stack.connect(str(address), port, CONNECT_TIMEOUT_SECONDS)

    async def open_raw(self, owner: str, network_id: str, source: str, destination: str) -> FrameStream:
        """Opens a way for Ethernet frames between an address of the owner and one of another member.

        Raises:
            InvalidInput: an address is malformed, the source is not the owner's, or the destination nobody's.
        """
        live = self._owned(owner, network_id)
        own, other = live.network.parse_own_address(source), live.network.parse_member_address(destination)
        if own == other:
            raise InvalidInput(f"Connection error: source and destination are the same address, {own}")
        return (await self._stack(owner, network_id)).open_raw(str(own), str(other))

    async def _resume(self, stored: StoredNetwork) -> None:
        if stored.removed:
            await self._finish_removal(stored.id)
        else:
            live = self._live[stored.id] = LiveNetwork(Network(stored, self._own_ids))
            await self._publisher.publish(live.network.draft(self._node_id))

    def _owned(self, owner: str, network_id: str) -> LiveNetwork:
        live = self._live.get(network_id)
        if live is not None and live.network.stored.owner == owner:
            return live
        # Clients tell "you have none" from "not yours", and treat only the first as already removed.
        if any(other.network.stored.owner == owner for other in self._live.values()):
            raise Forbidden("There is no such network of this identity")
        raise NotFound("Network not found")

    @asynccontextmanager
    async def _changing(self, owner: str, network_id: str) -> AsyncIterator[LiveNetwork]:
        async with self._owned(owner, network_id).changing:
            # It may have been removed while this caller waited for its turn.
            yield self._owned(owner, network_id)

    async def _apply(self, live: LiveNetwork, stored: StoredNetwork) -> None:
        live.network = Network(stored, self._own_ids)
        await self._publisher.publish(live.network.draft(self._node_id))
        if live.stack is not None:
            await live.stack.set_addresses(live.network.stack_addresses)

    async def _stack(self, owner: str, network_id: str) -> Stack:
        live = self._owned(owner, network_id)
        if not live.network.stack_addresses:
            raise Conflict("The nodes of the network have all its addresses: none is left to connect from")
        if live.stack is not None:
            return live.stack
        async with self._changing(owner, network_id) as live:
            if live.stack is None:
                live.stack = await self._stacks.open(network_id, live.network.stack_addresses)
            return live.stack

    async def _finish_removal(self, network_id: str) -> None:
        await self._publisher.withdraw(network_id)
        await self._repository.forget(network_id)


def parse_node_id(text: str) -> str:
    """Reads a node id in any letter case.

    Raises:
        InvalidInput: it is not `0x` and 40 hexadecimal digits.
    """
    if re.fullmatch(r"0x[0-9a-fA-F]{40}", text, re.ASCII) is None:
        raise InvalidInput(f"Invalid node id: expected 0x and 40 hexadecimal digits, got {text[:64]!r}")
    return text.lower()
