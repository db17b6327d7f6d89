"""What the network service gives to its callers."""

import msgspec


class NetworkInfo(msgspec.Struct, frozen=True):
    """A network as clients see it."""

    id: str
    """32 hexadecimal digits."""
    ip: str
    """The range in CIDR form, with the host bits as given."""
    mask: str
    gateway: str


class NetworkNode(msgspec.Struct, frozen=True):
    """One address of one node; a node with two addresses is listed twice."""

    id: str
    ip: str


class Connection(msgspec.Struct, frozen=True, rename="camel"):
    """A connection from this node into a network."""

    protocol: int
    """As in the IP header: 6 for TCP."""
    local_ip: str
    local_port: int
    remote_ip: str
    remote_port: int
