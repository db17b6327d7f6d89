"""How networks and addresses are written, and which are allowed: the rules and texts that Golem's clients know."""

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address
from itertools import islice

from golem_vpn.errors import InvalidInput

IpAddress = IPv4Address | IPv6Address

DEFAULT_MASK = "255.255.255.0"
FREE_HOST_SEARCH = 65_536
"""How many hosts are tried for a free one; a network with more nodes than that has its owner choose."""
LIMITED_BROADCAST = IPv4Address("255.255.255.255")


@dataclass(frozen=True)
class Subnet:
    """The range of a network, with the host bits as its owner wrote them."""

    interface: IPv4Interface | IPv6Interface
    gateway: IpAddress

    @classmethod
    def parse(cls, ip: str, mask: str | None = None, gateway: str | None = None) -> "Subnet":
        """Reads a network as clients ask for one.

        A prefix length wins over `mask`; without both, IPv4 gets 255.255.255.0. IPv6 without a prefix is one address.

        Raises:
            InvalidInput: a part is malformed, or the range is none that nodes can live in.
        """
        interface = _parse_interface(ip, mask)
        _check_range(interface)
        return cls(interface, _first_host(interface) if gateway is None else parse_address(gateway))

    @property
    def cidr(self) -> str:
        """The range as clients see it, such as `10.0.0.5/24`."""
        return self.interface.with_prefixlen

    @property
    def prefix(self) -> str:
        """The range with the host bits cleared."""
        return self.interface.network.with_prefixlen

    @property
    def mask(self) -> str:
        """The range's mask in the family's notation."""
        return str(self.interface.netmask)

    @cached_property
    def first_host(self) -> IpAddress:
        """The lowest address that a host may have."""
        return _first_host(self.interface)

    def with_prefix_length(self, address: IpAddress) -> str:
        """Writes an address of the network in CIDR form."""
        return f"{address}/{self.interface.network.prefixlen}"

    def first_free_host(self, taken: Container[IpAddress]) -> IpAddress | None:
        """Finds the lowest host address that is not taken."""
        return next((host for host in islice(self._hosts(), FREE_HOST_SEARCH) if host not in taken), None)

    def parse_node_address(self, text: str) -> IpAddress:
        """Reads an address for a node of this network.

        Raises:
            InvalidInput: it is malformed, no host's address, or outside.
        """
        address = parse_host_address(text)
        if address not in self.interface.network:
            raise InvalidInput(f"Invalid network IP address: {address}")
        return address

    def parse_owner_address(self, text: str) -> IpAddress:
        """Reads an address for the owner of this network.

        Raises:
            InvalidInput: it is malformed, no host's address, or outside.
        """
        address = parse_host_address(text)
        if address not in self.interface.network:
            raise InvalidInput(f"Network not found for IP address: {address}")
        return address

    def _hosts(self) -> Iterator[IpAddress]:
        network = self.interface.network
        last = network.broadcast_address
        if isinstance(last, IPv4Address) and self.first_host != network.network_address:
            last -= 1
        for value in range(int(self.first_host), int(last) + 1):
            yield type(self.first_host)(value)


def parse_address(text: str) -> IpAddress:
    """Reads an IP address, without zone.

    Raises:
        InvalidInput: it is none.
    """
    try:
        address = ip_address(text)
    except ValueError:
        raise InvalidInput("Invalid IP address: invalid IP address syntax") from None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise InvalidInput("Invalid IP address: invalid IP address syntax")
    return address


def parse_host_address(text: str) -> IpAddress:
    """Reads an IP address that a single host can have.

    Raises:
        InvalidInput: it is malformed, or loopback, unspecified, multicast or the limited broadcast.
    """
    address = parse_address(text)
    if address.is_loopback or address.is_unspecified or address.is_multicast or address == LIMITED_BROADCAST:
        raise InvalidInput(f"IP address not allowed: {address}")
    return address


def _parse_interface(ip: str, mask: str | None) -> IPv4Interface | IPv6Interface:
    if "/" in ip:
        return _parse_cidr(ip)
    address = parse_address(ip)
    if isinstance(address, IPv6Address):
        return IPv6Interface((address, 128))
    return IPv4Interface((address, _prefix_length(DEFAULT_MASK if mask is None else mask)))


def _parse_cidr(text: str) -> IPv4Interface | IPv6Interface:
    ip, _, length = text.partition("/")
    try:
        address = parse_address(ip)
    except InvalidInput:
        raise InvalidInput(f"Invalid network IP address: {text}") from None
    if re.fullmatch(r"[0-9]{1,3}", length) is None or int(length) > address.max_prefixlen:
        raise InvalidInput(f"Invalid network IP address: {text}")
    if isinstance(address, IPv4Address):
        return IPv4Interface((address, int(length)))
    return IPv6Interface((address, int(length)))


def _prefix_length(mask: str) -> int:
    """Counts the leading ones of an IPv4 mask; what follows the first zero does not count."""
    try:
        bits = int(IPv4Address(mask))
    except ValueError:
        raise InvalidInput("Invalid IP address: invalid IPv4 address syntax") from None
    return 32 - (bits ^ 0xFFFF_FFFF).bit_length()


def _check_range(interface: IPv4Interface | IPv6Interface) -> None:
    """Refuses ranges in which no host can have an address."""
    network = interface.network
    first, last = network.network_address, network.broadcast_address
    mapped = isinstance(first, IPv6Address) and first.ipv4_mapped is not None
    hostless = (
        first.is_multicast
        or (first.is_loopback and last.is_loopback)
        or last.is_unspecified
        or first == LIMITED_BROADCAST
    )
    if hostless or mapped:
        raise InvalidInput(f"IP address not allowed: {interface.with_prefixlen}")


def _first_host(interface: IPv4Interface | IPv6Interface) -> IpAddress:
    network = interface.network
    # In a range of one or two addresses each of them is a host's (RFC 3021, RFC 6164).
    if network.prefixlen >= network.max_prefixlen - 1:
        return network.network_address
    first = network.network_address + 1
    return first + 1 if first.is_loopback else first


def without_prefix(cidrs: Iterable[str]) -> list[str]:
    """Gives the bare addresses of addresses in CIDR form."""
    return [cidr.partition("/")[0] for cidr in cidrs]
