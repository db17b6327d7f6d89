"""Where the relay of this daemon is reached: from outside, and from the daemon itself."""

import ipaddress
from collections.abc import Sequence

from golem_vpn.config import Address
from golem_vpn.net.relay_address import MAX_RELAY_ADDRESSES

_LOOPBACK = {4: "127.0.0.1", 6: "::1"}


def advertised(bound: str, configured: Sequence[str], interfaces: Sequence[str]) -> tuple[str, ...]:
    """Gives `HOST:PORT` for others, the best first: what the operator says, then global addresses, then others.

    Args:
        bound: Where the relay listens, `IP:PORT`; an unspecified address stands for all interfaces.
        configured: What the operator says, `HOST:PORT`.
        interfaces: The addresses of the machine, as `IP:PORT` of whatever port.
    """
    address = Address.parse(bound)
    hosts = [address.host]
    if _is_unspecified(address):
        hosts = sorted((Address.parse(text).host for text in interfaces), key=lambda host: not _is_global(host))
    found = dict.fromkeys([*configured, *(str(Address(host, address.port)) for host in hosts)])
    return tuple(found)[:MAX_RELAY_ADDRESSES] or (dialled(bound),)


def dialled(bound: str) -> str:
    """Gives where the daemon itself reaches the relay."""
    address = Address.parse(bound)
    if not _is_unspecified(address):
        return bound
    return str(Address(_LOOPBACK[ipaddress.ip_address(address.host).version], address.port))


def _is_unspecified(address: Address) -> bool:
    return ipaddress.ip_address(address.host).is_unspecified


def _is_global(host: str) -> bool:
    return ipaddress.ip_address(host).is_global
