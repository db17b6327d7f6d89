"""The way to a hub: straight, through its relays, or as a ticket's guest where the relays do not know this node."""

import structlog

from golem_vpn.errors import PeerUnreachable
from golem_vpn.net.control import Control
from golem_vpn.net.guest import GuestDoor
from golem_vpn.net.record import NodeRecord
from golem_vpn.net.relay_notes import read_relays
from golem_vpn.net.relays import Relays
from golem_vpn.store.hubs import StoredHub

HUB_TIMEOUT = 5.0
DIRECT_SECONDS = 2.0
"""How long a hub is tried without its relays, which let in nobody whom it does not know yet."""

_log = structlog.get_logger(__name__)


class Approach:
    """Says hello to hubs."""

    def __init__(self, control: Control, relays: Relays, door: GuestDoor) -> None:
        self._control = control
        self._relays = relays
        self._door = door

    def recall(self, hub: StoredHub) -> None:
        """Uses the relays that a hub told of before this daemon's start."""
        if (relays := read_relays(hub.relays)) is not None:
            self._relays.relearn(hub.node_id, relays)

    async def reach(self, hub: StoredHub) -> NodeRecord:
        """Connects to a hub, and returns its record.

        Raises:
            PeerUnreachable: there is no way to it.
            PeerRefused: it refuses the hello, or does not prove who it is.
            Forbidden: it does not take the ticket.
        """
        known = self._control.book.find(hub.node_id)
        addresses = [*(known.record.control_addresses if known else ()), *hub.addresses]
        relays = read_relays(hub.relays)
        through = [text for entry in relays.relays for text in entry.offer.texts] if relays else []
        if hub.token is None or not through:
            return await self._introduce(hub, addresses + through, HUB_TIMEOUT)
        try:
            return await self._introduce(hub, addresses, DIRECT_SECONDS)
        except PeerUnreachable as error:
            _log.info("approach.through_relays", hub=hub.node_id, error=error.message)
        await self._door.knock(hub.endpoint_id, through, hub.token, HUB_TIMEOUT)
        self.recall(hub)
        return await self._introduce(hub, addresses + through, HUB_TIMEOUT)

    async def _introduce(self, hub: StoredHub, addresses: list[str], timeout: float) -> NodeRecord:
        return await self._control.introduce(hub.endpoint_id, addresses, hub.node_id, timeout)
