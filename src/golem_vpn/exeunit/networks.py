"""How a payload's interface becomes a member of its networks."""

from collections.abc import Sequence
from typing import Protocol

from golem_vpn.exeunit.runtimes.base import NetworkAddress, TunDevice


class Networks(Protocol):
    """Connects interfaces of payloads with the networks of requestors."""

    async def join(self, requestor: str, device: TunDevice, addresses: Sequence[NetworkAddress]) -> int:
        """Lets a device send and receive at these addresses, and gives its handle.

        Raises:
            Forbidden: a network is not owned by the requestor.
            InvalidInput: a network does not have this node at that address.
            PeerUnreachable: the owner of a network cannot be asked about it.
        """
        ...

    def leave(self, device: int) -> None:
        """Takes a device out of all its networks."""
        ...
