"""Joining through a relay, which lets in only those whom its hub admitted: the holder of a ticket comes as its guest.

A ticket's token gives an endpoint key, whose public half the hub's relays know. Under it the holder shows a record of
its own that names the guest's endpoint, the token, and the record of the endpoint that it has otherwise. From then on
the hub and its relays know the latter.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence

from Crypto.PublicKey import ECC

from golem_vpn.errors import PeerUnreachable
from golem_vpn.net import wire
from golem_vpn.net.endpoint import Endpoint, EndpointError
from golem_vpn.net.messages import Join
from golem_vpn.net.own_record import OwnRecord

BindGuest = Callable[[bytes], Awaitable[Endpoint]]
"""Makes an endpoint with a secret key, for one conversation."""


def guest_secret(token: bytes) -> bytes:
    """Gives the secret key of a ticket's guest."""
    return hashlib.sha256(b"golem-vpn guest" + token).digest()


def guest_key(token: bytes) -> bytes:
    """Gives the endpoint id of a ticket's guest."""
    return endpoint_id_of(guest_secret(token))


def endpoint_id_of(secret: bytes) -> bytes:
    """Gives the endpoint id of a secret key, which is an Ed25519 key (RFC 8032)."""
    key = ECC.construct(curve="Ed25519", seed=secret)
    return bytes(key.public_key().export_key(format="raw"))


class GuestDoor:
    """Asks hubs for admission through their relays."""

    def __init__(self, own_record: OwnRecord, bind: BindGuest) -> None:
        self._own_record = own_record
        self._bind = bind

    async def knock(self, hub_endpoint_id: bytes, relays: Sequence[str], token: bytes, timeout: float) -> None:
        """Has a hub admit this node.

        Raises:
            PeerUnreachable: the hub cannot be reached through the relays either.
            Forbidden: it does not take the ticket.
            PeerRefused: it refuses the hello.
        """
        guest = await self._bind(guest_secret(token))
        try:
            guest.set_relays(list(relays))
            hello = wire.Hello(self._own_record.as_guest(guest.endpoint_id).signed)
            join = Join(token, self._own_record.current().signed)
            for message, answer_type in ((hello, wire.Welcome), (join, type(None))):
                reply = await guest.request(hub_endpoint_id, list(relays), wire.encode(message), timeout)
                wire.answer_of(wire.decode_reply(reply), answer_type)
        except EndpointError as error:
            raise PeerUnreachable(f"the hub cannot be reached through its relays: {error}") from None
        finally:
            await guest.close()


async def bind_no_guest(_secret: bytes) -> Endpoint:
    """Stands for a node that can have no second endpoint."""
    raise PeerUnreachable("the hub cannot be reached directly, and this node asks through no relay")


# The curve's code is read from the disk at its first use, and the event loop is no place for that.
endpoint_id_of(bytes(32))
