"""What a node says of itself: its endpoint, its addresses, its relays, its identities; signed by every one of these."""

import ipaddress
from typing import Literal

import msgspec

from golem_vpn.config import Address
from golem_vpn.errors import ConfigurationError, InvalidInput
from golem_vpn.net.codec import Malformed, Reader
from golem_vpn.net.identity import Identities, is_node_id, verify
from golem_vpn.net.relay_address import MAX_RELAYS, is_relay, parse_relay

DOMAIN = "record"
ENDPOINT_ID_LENGTH = 32
CARRIER_ID_LENGTH = 32
BOOT_ID_LENGTH = 16
MAX_SIZE = 8 * 1024
MAX_ENTRIES = 32
"""How many identities, and addresses of one kind, a record may list."""
MAX_CANDIDATES = 16
"""How many addresses of its data socket a record may list; each of them is tried."""
MAX_ROLES = 8
MAX_NAME = 64
"""The characters of a name or a role; a hub lists many of them in one message."""
MAX_AGE_MILLISECONDS = 24 * 3600 * 1000
"""A live node signs anew every hour; only a clock that is wrong makes a record of its own look older than this."""
MAX_AHEAD_MILLISECONDS = 3600 * 1000


Source = Literal["interface", "reflected", "mapped", "configured"]
"""How a node came to know its address: it has it, others saw it, its router opened it, its operator says so."""


class Candidate(msgspec.Struct, frozen=True, array_like=True):
    """An address that the data socket of a node may be reached at, `IP:PORT`."""

    address: str
    source: Source


class NodeRecord(msgspec.Struct, frozen=True):
    """Where and what a node is."""

    node_id: str
    name: str
    roles: tuple[str, ...]
    endpoint_id: bytes
    control_addresses: tuple[str, ...]
    """Where the endpoint is reached: `IP:PORT`, and relays."""
    packet_addresses: tuple[Candidate, ...]
    boot_id: bytes
    """Another one after each start of the daemon."""
    issued_at: int
    """In milliseconds since 1970."""
    identities: tuple[str, ...]
    """All identities of the node; the first is the node id."""
    relays: tuple[str, ...] = ()
    """The relays that carry packets to the node, each by the address that it prefers."""
    carrier_id: bytes = b""
    """The key by which relays know the receiver of its packets; empty where it takes none through relays."""


class SignedRecord(msgspec.Struct, frozen=True, array_like=True):
    """The bytes of a record and one signature for each of its identities, in their order."""

    body: bytes
    signatures: tuple[bytes, ...]


class KnownRecord(msgspec.Struct, frozen=True):
    """A record that was verified, with the signed form for handing on."""

    record: NodeRecord
    signed: SignedRecord


def sign(record: NodeRecord, identities: Identities) -> KnownRecord:
    """Signs a record with each of the identities that it lists."""
    body = msgspec.msgpack.encode(record)
    signers = [identities.find(node_id) for node_id in record.identities]
    signatures = tuple(signer.sign(DOMAIN, body) for signer in signers if signer is not None)
    return KnownRecord(record, SignedRecord(body, signatures))


def open_record(signed: SignedRecord) -> KnownRecord:
    """Reads a record after verifying all its signatures.

    Raises:
        InvalidInput: it is too large, malformed, or a signature is absent or wrong.
    """
    if len(signed.body) > MAX_SIZE:
        raise InvalidInput(f"a node record has at most {MAX_SIZE} bytes")
    try:
        record = _reader.read(signed.body)
    except Malformed as error:
        raise InvalidInput(f"the node record is malformed: {error}") from None
    _check_form(record)
    if len(signed.signatures) != len(record.identities):
        raise InvalidInput("the node record lacks a signature of one of its identities")
    for identity, signature in zip(record.identities, signed.signatures, strict=True):
        if not verify(identity, DOMAIN, signed.body, signature):
            raise InvalidInput(f"the node record is not signed by {identity}")
    return KnownRecord(record, signed)


def check_fresh(record: NodeRecord, now_milliseconds: int) -> None:
    """Checks that a record was issued lately, as one that a node hands out itself is.

    Raises:
        InvalidInput: it is too old, or from the future.
    """
    age = now_milliseconds - record.issued_at
    if age > MAX_AGE_MILLISECONDS:
        raise InvalidInput("the node record is older than a day; are the clocks of both machines right?")
    if -age > MAX_AHEAD_MILLISECONDS:
        raise InvalidInput("the node record is from the future; are the clocks of both machines right?")


def _check_form(record: NodeRecord) -> None:
    identities = record.identities
    if not identities or identities[0] != record.node_id or len(set(identities)) != len(identities):
        raise InvalidInput("a node record lists its node id first, and each identity once")
    if not all(map(is_node_id, identities)):
        raise InvalidInput("the node record names a node id that is none")
    if len(record.endpoint_id) != ENDPOINT_ID_LENGTH or len(record.boot_id) != BOOT_ID_LENGTH:
        raise InvalidInput("the node record's endpoint id or boot id has a wrong length")
    if len(record.roles) > MAX_ROLES or max(map(len, (record.name, *record.roles))) > MAX_NAME:
        raise InvalidInput(
            f"a node has at most {MAX_ROLES} roles, and {MAX_NAME} characters in its name and in each role"
        )
    _check_addresses(record)


def _check_addresses(record: NodeRecord) -> None:
    if max(len(record.identities), len(record.control_addresses)) > MAX_ENTRIES:
        raise InvalidInput(f"a node record lists at most {MAX_ENTRIES} identities, and as many control addresses")
    if len(record.packet_addresses) > MAX_CANDIDATES or len(record.relays) > MAX_RELAYS:
        raise InvalidInput(f"a node record lists at most {MAX_CANDIDATES} packet addresses and {MAX_RELAYS} relays")
    if len(record.carrier_id) not in (0, CARRIER_ID_LENGTH):
        raise InvalidInput("the node record's carrier id has a wrong length")
    for address in record.control_addresses:
        if is_relay(address):
            parse_relay(address)
        else:
            check_socket_address(address)
    for candidate in record.packet_addresses:
        check_socket_address(candidate.address)
    for relay in record.relays:
        parse_relay(relay)


def check_socket_address(text: str) -> None:
    """Checks that a text is `IP:PORT`.

    Raises:
        InvalidInput: it is not.
    """
    try:
        address = Address.parse(text)
        ipaddress.ip_address(address.host)
    except (ConfigurationError, ValueError):
        raise InvalidInput(f"expected IP:PORT, got {text[:64]!r}") from None
    if str(address) != text:
        raise InvalidInput(f"expected IP:PORT in its one written form, got {text[:64]!r}")


_reader = Reader(NodeRecord)
