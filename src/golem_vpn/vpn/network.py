"""One network: who has which address, and who may get one.

The owner's daemon has the network's first host from the start, unless a node was given it; then, as long as the owner
has asked for no address of its own, the first host that is free. Nodes that are identities of the owner's daemon
share its addresses.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address

from golem_vpn.errors import Conflict, InvalidInput
from golem_vpn.store.networks import StoredNetwork, StoredNode
from golem_vpn.vpn.addresses import IpAddress, Subnet, parse_address
from golem_vpn.vpn.model import NetworkInfo
from golem_vpn.vpn.ports import NetworkDraft

MAX_ADDRESSES = 8192
"""As many as fit into the document that tells the members of each other."""


@dataclass(frozen=True)
class Network:
    """The state of a network, and the rules on it; a change makes a new one."""

    stored: StoredNetwork
    own_ids: Container[str]
    """The identities of this daemon."""

    @cached_property
    def subnet(self) -> Subnet:
        """The network's range."""
        return Subnet.parse(self.stored.ip, None, self.stored.gateway)

    @property
    def info(self) -> NetworkInfo:
        """The network as clients see it."""
        return NetworkInfo(self.stored.id, self.subnet.cidr, self.subnet.mask, str(self.subnet.gateway))

    @cached_property
    def owner_addresses(self) -> tuple[str, ...]:
        """The owner's addresses in CIDR form, in the order that clients know: the first host comes first."""
        return self._in_cidr_form([*self._implicit, *self._assigned])

    @cached_property
    def stack_addresses(self) -> tuple[str, ...]:
        """The owner's addresses in CIDR form; the first is the one it calls payloads from."""
        return self._in_cidr_form([*self._assigned, *self._implicit])

    def parse_own_address(self, text: str) -> IpAddress:
        """Reads an address that the owner has.

        Raises:
            InvalidInput: it is malformed, or not the owner's.
        """
        address = parse_address(text)
        if address not in (*self._assigned, *self._implicit):
            raise InvalidInput(
                f"Connection error: the source address {address} is not yours: add it to the network's addresses, "
                "or take one of them"
            )
        return address

    def parse_member_address(self, text: str) -> IpAddress:
        """Reads an address that a member has.

        Raises:
            InvalidInput: it is malformed, or nobody's.
        """
        address = parse_address(text)
        owned = address in (*self._assigned, *self._implicit)
        if not owned and all(node.ip != str(address) for node in self.stored.nodes):
            raise InvalidInput(
                f"Connection error: destination address not found: {address} is no node's: add a node with it, "
                "or take one of the network's nodes"
            )
        return address

    def draft(self, node_id: str) -> NetworkDraft:
        """Says what the members are to know; `node_id` is that of the owner's daemon."""
        members: dict[str, list[str]] = {node_id: [str(address) for address in (*self._assigned, *self._implicit)]}
        for node in self.stored.nodes:
            member = node_id if node.node_id in self.own_ids else node.node_id
            members.setdefault(member, []).append(node.ip)
        return NetworkDraft(
            id=self.stored.id,
            owner=self.stored.owner,
            prefixes=(self.subnet.prefix,),
            members={member: tuple(dict.fromkeys(ips)) for member, ips in members.items() if ips},
        )

    def claim_for_owner(self, ip: str) -> str | None:
        """Gives the address to store for the owner, or nothing where it is the owner's already.

        Raises:
            InvalidInput: it is none that the owner could have.
            Conflict: a node has it.
        """
        address = self.subnet.parse_owner_address(ip)
        if address in self._taken:
            raise Conflict(f"A node has the IP address {address}")
        if address in self._assigned:
            return None
        self._check_room()
        return str(address)

    def claim_for_node(self, node_id: str, ip: str) -> StoredNode | None:
        """Gives the entry to store for a node, or nothing where it is there already.

        Raises:
            InvalidInput: the address is none that a node could have.
            Conflict: another node has it, or the owner asked for it.
        """
        address = self.subnet.parse_node_address(ip)
        claim = StoredNode(node_id, str(address))
        if claim in self.stored.nodes:
            return None
        if any(node.ip == claim.ip for node in self.stored.nodes):
            raise Conflict(f"Another node has the IP address {address}")
        if node_id not in self.own_ids and address in self._assigned:
            raise Conflict(f"The owner of the network has the IP address {address}")
        self._check_room()
        return claim

    def _check_room(self) -> None:
        if len(self.stored.nodes) + len(self.stored.addresses) >= MAX_ADDRESSES:
            raise Conflict(f"The network has {MAX_ADDRESSES} addresses already, as many as one can have")

    @cached_property
    def _assigned(self) -> tuple[IpAddress, ...]:
        return tuple(ip_address(ip) for ip in self.stored.addresses)

    @cached_property
    def _taken(self) -> frozenset[IpAddress]:
        return frozenset(ip_address(node.ip) for node in self.stored.nodes if node.node_id not in self.own_ids)

    @property
    def _implicit(self) -> tuple[IpAddress, ...]:
        if self.subnet.first_host not in self._taken:
            return (self.subnet.first_host,)
        if self._assigned:
            return ()
        free = self.subnet.first_free_host(self._taken)
        return () if free is None else (free,)

    def _in_cidr_form(self, addresses: Sequence[IpAddress]) -> tuple[str, ...]:
        return tuple(self.subnet.with_prefix_length(address) for address in dict.fromkeys(addresses))
