"""The way to a hub: straight or through its relays, which let in the holder of a ticket before they know it."""

from golem_vpn.errors import PeerUnreachable
from golem_vpn.net.control import Control
from golem_vpn.net.record import NodeRecord
from golem_vpn.net.relay_notes import read_relays, relays_of_ticket
from golem_vpn.net.relays import Relays
from golem_vpn.net.ticket import Ticket, relay_pass
from golem_vpn.store.hubs import StoredHub

HUB_TIMEOUT = 5.0


class Approach:
    """Says hello to hubs."""

    def __init__(self, control: Control, relays: Relays) -> None:
        self._control = control
        self._relays = relays

    def recall(self, hub: StoredHub) -> None:
        """Uses the relays that a hub told of before this daemon's start."""
        if (relays := read_relays(hub.relays)) is not None:
            self._relays.relearn(hub.node_id, relays)

    async def reach(self, hub: StoredHub) -> NodeRecord:
        """Connects to a hub, and returns its record.

        Raises:
            PeerUnreachable: there is no way to it.
            PeerRefused: it refuses the hello, or does not prove who it is.
        """
        known = self._control.book.find(hub.node_id)
        addresses = [*(known.record.control_addresses if known else ()), *hub.addresses]
        if (relays := read_relays(hub.relays)) is not None:
            addresses += [text for entry in relays.relays for text in entry.offer.texts]
            if hub.token is not None:
                self._relays.come_as_guest(hub.node_id, relays, relay_pass(hub.token))
        addresses = self._control.names.dialled(addresses)
        if not addresses:
            raise PeerUnreachable(
                f"no relay is known that leads to the hub {hub.node_id}, and this node goes through relays only;"
                " run a relay there, or start without --relayed-only"
            )
        return await self._control.introduce(hub.endpoint_id, addresses, hub.node_id, HUB_TIMEOUT)


def hub_of(ticket: Ticket) -> StoredHub:
    """Gives a hub as it is known from a ticket."""
    return StoredHub(ticket.hub, ticket.endpoint_id, ticket.addresses, ticket.token, relays_of_ticket(ticket))
