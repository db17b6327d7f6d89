"""An offer as its provider signs it, so that whoever hands it on can't change it."""

import re
from datetime import datetime
from typing import Any

import msgspec

from golem_vpn.errors import InvalidInput
from golem_vpn.market import constraints, properties
from golem_vpn.net.codec import Malformed, Reader
from golem_vpn.net.identity import Identity, is_node_id, verify

DOMAIN = "offer"
MAX_SIZE = 384 * 1024
"""Room for the largest properties and constraints; several make a control message."""

_ID = re.compile(r"[0-9a-zA-Z-]{1,128}")


class Offer(msgspec.Struct, frozen=True):
    """What a provider has to give, for what, and to whom."""

    id: str
    provider_id: str
    properties: dict[str, Any]
    constraints: str
    created: datetime
    expires: datetime


class SignedOffer(msgspec.Struct, frozen=True, array_like=True):
    """The bytes of an offer, and its provider's signature."""

    body: bytes
    signature: bytes


class KnownOffer(msgspec.Struct, frozen=True):
    """An offer that was verified, with the signed form for handing on."""

    offer: Offer
    signed: SignedOffer


def sign_offer(offer: Offer, provider: Identity) -> KnownOffer:
    """Signs an offer.

    Raises:
        InvalidInput: it is not as an offer must be, or another identity's.
    """
    if offer.provider_id != provider.node_id:
        raise InvalidInput("an offer is signed by the identity that makes it")
    _check_form(offer)
    body = msgspec.msgpack.encode(offer)
    if len(body) > MAX_SIZE:
        raise InvalidInput(f"an offer has at most {MAX_SIZE} bytes, this one has {len(body)}")
    return KnownOffer(offer, SignedOffer(body, provider.sign(DOMAIN, body)))


def open_offer(signed: SignedOffer) -> KnownOffer:
    """Reads an offer after verifying its signature.

    Raises:
        InvalidInput: it is too large, malformed, or not signed by the provider that it names.
    """
    if len(signed.body) > MAX_SIZE:
        raise InvalidInput(f"an offer has at most {MAX_SIZE} bytes")
    try:
        offer = _offers.read(signed.body)
    except Malformed as error:
        raise InvalidInput(f"the offer is malformed: {error}") from None
    if not is_node_id(offer.provider_id) or not verify(offer.provider_id, DOMAIN, signed.body, signed.signature):
        raise InvalidInput("the offer is not signed by its provider")
    _check_form(offer)
    return KnownOffer(offer, signed)


def _check_form(offer: Offer) -> None:
    if not _ID.fullmatch(offer.id):
        raise InvalidInput("an offer's id has up to 128 letters, digits and dashes")
    if offer.created.tzinfo is None or offer.expires.tzinfo is None:
        raise InvalidInput("an offer's dates tell their zone")
    if properties.check(offer.properties) != offer.properties:
        raise InvalidInput("an offer's properties have flat keys")
    constraints.parse(offer.constraints)


_offers = Reader(Offer)
