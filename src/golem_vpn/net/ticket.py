"""The ticket that lets a node join a hub: one word of text, and where it waits for a daemon that does not run yet."""

import base64
import binascii
import contextlib
import hashlib
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from golem_vpn.errors import InvalidInput
from golem_vpn.net.codec import Malformed, Reader
from golem_vpn.net.identity import is_node_id
from golem_vpn.net.keyfile import create_secret, read_secret
from golem_vpn.net.record import ENDPOINT_ID_LENGTH, check_socket_address
from golem_vpn.net.relay_address import RelayOffer, check_offer

PREFIX = "golemvpn1"
TOKEN_LENGTH = 16
RELAY_PASS_LENGTH = 32
MAX_TEXT = 4096
MAX_ADDRESSES = 6
MAX_RELAYS = 2
MAX_ADDRESSES_OF_A_RELAY = 2
"""A ticket is to be read aloud if need be: it holds what is enough to get in, and the hub tells the rest."""
PENDING_DIRECTORY = "pending-tickets"

_CHECKSUM_LENGTH = 4


class Ticket(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where a hub is, and the secret that it admits a node for."""

    hub: str
    endpoint_id: bytes
    addresses: tuple[str, ...]
    token: bytes
    expires_at: int
    """In seconds since 1970."""
    relays: tuple[RelayOffer, ...] = ()
    """Those through which the hub can be reached, too."""

    def __str__(self) -> str:
        body = msgspec.msgpack.encode(self)
        return PREFIX + base64.b32encode(body + _checksum(body)).decode().rstrip("=").lower()

    def __repr__(self) -> str:
        return f"Ticket(hub={self.hub!r})"

    @classmethod
    def parse(cls, text: str) -> "Ticket":
        """Reads a ticket.

        Raises:
            InvalidInput: the text is no ticket, or a damaged one.
        """
        word = "".join(text.split()).lower()
        if not word.startswith(PREFIX) or len(word) > MAX_TEXT:
            raise InvalidInput(f"this is no ticket: a ticket begins with {PREFIX}")
        damaged = InvalidInput("the ticket is damaged; copy all of it once more")
        encoded = word.removeprefix(PREFIX)
        try:
            data = base64.b32decode(encoded.upper() + "=" * (-len(encoded) % 8))
        except binascii.Error:
            raise damaged from None
        body, checksum = data[:-_CHECKSUM_LENGTH], data[-_CHECKSUM_LENGTH:]
        if checksum != _checksum(body):
            raise damaged
        try:
            ticket = _tickets.read(body)
        except Malformed:
            raise damaged from None
        # Unused bits of the last letter are the one part that no checksum covers.
        if str(ticket) != word:
            raise damaged
        ticket._check_form()
        return ticket

    def check_valid(self) -> None:
        """Checks that the ticket has not expired.

        Raises:
            InvalidInput: it has.
        """
        if self.expires_at <= time.time():
            day = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(self.expires_at))
            raise InvalidInput(f"the ticket expired on {day}; `golem-vpn ticket` at the hub prints a new one")

    def _check_form(self) -> None:
        if not is_node_id(self.hub) or len(self.endpoint_id) != ENDPOINT_ID_LENGTH or len(self.token) != TOKEN_LENGTH:
            raise InvalidInput("the ticket is whole, but of a form that this version does not know")
        for address in self.addresses:
            check_socket_address(address)
        for relay in self.relays:
            check_offer(relay)


def ticket_relays(offers: Iterable[RelayOffer]) -> tuple[RelayOffer, ...]:
    """Gives as much of some relays as a ticket holds."""
    return tuple(RelayOffer(it.pin, it.addresses[:MAX_ADDRESSES_OF_A_RELAY]) for it in offers)[:MAX_RELAYS]


def leave_pending(data_directory: Path, text: str) -> Ticket:
    """Leaves a ticket for the daemon to use when it starts.

    Raises:
        InvalidInput: it is damaged or expired.
    """
    ticket = Ticket.parse(text)
    ticket.check_valid()
    with contextlib.suppress(FileExistsError):
        create_secret(_pending_path(data_directory, ticket), str(ticket))
    return ticket


def pending(data_directory: Path) -> list[Ticket]:
    """Reads the tickets that were left.

    Raises:
        InvalidInput: one of them is damaged.
        ConfigurationError: one of them is open to other users.
    """
    paths = sorted((data_directory / PENDING_DIRECTORY).glob("*.ticket"))
    return [Ticket.parse(read_secret(path)) for path in paths]


def drop_pending(data_directory: Path, ticket: Ticket) -> None:
    """Removes a ticket that was left, after the daemon took it."""
    _pending_path(data_directory, ticket).unlink(missing_ok=True)


def token_hash(token: bytes) -> bytes:
    """Gives what a hub stores of a token: enough to know it again, useless to whoever reads the database."""
    return hashlib.sha256(b"golem-vpn ticket" + token).digest()


def relay_pass(token: bytes) -> str:
    """Gives what the holder of a ticket says to the hub's relays, which do not know it yet."""
    return hashlib.sha256(b"golem-vpn relay pass" + token).hexdigest()[:RELAY_PASS_LENGTH]


def _pending_path(data_directory: Path, ticket: Ticket) -> Path:
    return data_directory / PENDING_DIRECTORY / f"{token_hash(ticket.token).hex()[:16]}.ticket"


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(PREFIX.encode() + body).digest()[:_CHECKSUM_LENGTH]


_tickets = Reader(Ticket)
