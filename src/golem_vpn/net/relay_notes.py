"""How the relays that a hub told of are written down with the hub, for the time before it tells again."""

import msgspec
import structlog

from golem_vpn.errors import InvalidInput
from golem_vpn.net.codec import Malformed, Reader
from golem_vpn.net.messages import RelayEntry, RelayList, check_relay_list
from golem_vpn.net.ticket import Ticket

_log = structlog.get_logger(__name__)
_lists = Reader(RelayList)


def write_relays(told: RelayList) -> bytes:
    """Gives what is stored."""
    return msgspec.msgpack.encode(told)


def read_relays(stored: bytes) -> RelayList | None:
    """Gives what was stored; nothing where that is nothing, or damaged."""
    if not stored:
        return None
    try:
        told = _lists.read(stored)
        check_relay_list(told)
    except (InvalidInput, Malformed) as error:
        _log.error("relay_notes.stored_list_is_bad", error=str(error))
        return None
    return told


def relays_of_ticket(ticket: Ticket) -> bytes:
    """Gives what is stored of a ticket's relays, as if the hub ran all of them; it knows better once it is asked."""
    return write_relays(RelayList(0, tuple(RelayEntry(ticket.hub, offer) for offer in ticket.relays)))
