"""What a network is, as its owner signs it: prefixes, members and their addresses, and which version this is."""

import ipaddress
import re
import socket
from collections.abc import Mapping
from functools import cached_property
from typing import Protocol

import msgspec

from golem_vpn.errors import InvalidInput
from golem_vpn.net.codec import Malformed, Reader
from golem_vpn.net.identity import Identity, is_node_id, verify

DOMAIN = "network"
MAX_SIZE = 768 * 1024
"""Leaves room for the rest in a control message of 1 MiB; that is some ten thousand members."""
MAX_PREFIXES = 8
NOT_CANONICAL = "a network document holds an address that is not in its one written form"
"""Other ways to write addresses are not understood by all who read a document."""

_NETWORK_ID = re.compile(r"[0-9a-f]{32}")


class Draft(Protocol):
    """What a network's owner wants its members to know."""

    @property
    def id(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def prefixes(self) -> tuple[str, ...]: ...
    @property
    def members(self) -> Mapping[str, tuple[str, ...]]:
        """The addresses of each node."""


class MemberEntry(msgspec.Struct, frozen=True, array_like=True):
    """A member and its addresses."""

    node_id: str
    addresses: tuple[str, ...]


class NetworkDocument(msgspec.Struct, frozen=True, dict=True):
    """One version of a network."""

    id: str
    version: int
    owner: str
    """The identity that signs."""
    node: str
    """The owner's daemon, which members ask for newer versions."""
    prefixes: tuple[str, ...]
    members: tuple[MemberEntry, ...]
    deleted: bool
    issued_at: int

    def addresses_of(self, node_id: str) -> tuple[str, ...]:
        """Lists a node's addresses; none where it is no member."""
        return next((member.addresses for member in self.members if member.node_id == node_id), ())

    @cached_property
    def node_ids(self) -> frozenset[str]:
        """The members; each change of any network asks for those of all."""
        return frozenset(member.node_id for member in self.members)


class SignedDocument(msgspec.Struct, frozen=True, array_like=True):
    """The bytes of a document, and its owner's signature."""

    body: bytes
    signature: bytes


def sign_document(document: NetworkDocument, owner: Identity) -> SignedDocument:
    """Signs a document.

    Raises:
        InvalidInput: it is not as a document must be.
    """
    _check_form(document)
    body = msgspec.msgpack.encode(document)
    if len(body) > MAX_SIZE:
        raise InvalidInput("the network has more members than a network document can hold")
    return SignedDocument(body, owner.sign(DOMAIN, body))


def open_document(signed: SignedDocument) -> NetworkDocument:
    """Reads a document after verifying its signature.

    Raises:
        InvalidInput: it is too large, malformed, contradictory, or not signed by the owner that it names.
    """
    if len(signed.body) > MAX_SIZE:
        raise InvalidInput(f"a network document has at most {MAX_SIZE} bytes")
    try:
        document = _documents.read(signed.body)
    except Malformed as error:
        raise InvalidInput(f"the network document is malformed: {error}") from None
    if not is_node_id(document.owner) or not verify(document.owner, DOMAIN, signed.body, signed.signature):
        raise InvalidInput("the network document is not signed by its owner")
    _check_form(document)
    return document


def _check_form(document: NetworkDocument) -> None:
    if not _NETWORK_ID.fullmatch(document.id) or document.version < 1:
        raise InvalidInput("a network's id has 32 hex digits, and its version is positive")
    if not is_node_id(document.owner) or not is_node_id(document.node):
        raise InvalidInput("the network document's owner or its daemon is no node id")
    if len(document.prefixes) > MAX_PREFIXES:
        raise InvalidInput(f"a network has at most {MAX_PREFIXES} prefixes")
    _check_addresses(document)


def _check_addresses(document: NetworkDocument) -> None:
    addresses = [address for member in document.members for address in member.addresses]
    try:
        prefixes = [ipaddress.ip_network(prefix) for prefix in document.prefixes]
        taken = [_packed(address) for address in addresses]
    except ValueError as error:
        raise InvalidInput(f"the network document holds a malformed address: {error}") from None
    if [*map(str, prefixes)] != [*document.prefixes]:
        raise InvalidInput(NOT_CANONICAL)
    if len(set(taken)) != len(taken):
        raise InvalidInput("two members of the network have the same address")
    ranges = [(prefix.network_address.packed, prefix.broadcast_address.packed) for prefix in prefixes]
    for address, place in zip(addresses, taken, strict=True):
        if not any(len(place) == len(first) and first <= place <= last for first, last in ranges):
            raise InvalidInput(f"{address} is outside the network")
    if not all(is_node_id(member.node_id) for member in document.members):
        raise InvalidInput("a member of the network is no node id")
    if len(document.node_ids) != len(document.members):
        raise InvalidInput("a network lists each of its members once")


def _packed(address: str) -> bytes:
    """Reads an address; thousands of IPv4 ones take `ipaddress` long enough to hold up everything else."""
    try:
        packed = socket.inet_pton(socket.AF_INET, address)
        written = socket.inet_ntop(socket.AF_INET, packed)
    except OSError:
        parsed = ipaddress.ip_address(address)
        # A zone means something to one machine alone.
        packed, written = parsed.packed, str(parsed).partition("%")[0]
    if written != address:
        raise InvalidInput(NOT_CANONICAL)
    return packed


_documents = Reader(NetworkDocument)
