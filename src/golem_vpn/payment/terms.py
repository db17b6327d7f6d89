"""How an agreement is paid: on which platform, from which address, to which."""

from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from golem_vpn.errors import InvalidInput
from golem_vpn.store.agreements import StoredAgreement

PREFIX = "golem.com.payment.platform."
SUFFIX = ".address"
CHOSEN = "golem.com.payment.chosen-platform"
PROTOCOL = "golem.com.payment.protocol.version"
PROTOCOL_VERSION = 3


class Terms(msgspec.Struct, frozen=True):
    """The answers that an agreement gives."""

    platform: str
    payer_address: str
    payee_address: str


def terms_of(agreement: StoredAgreement, supported: Collection[str]) -> Terms:
    """Finds how an agreement is paid: as the demand chose, else on the first platform that both sides have.

    Raises:
        InvalidInput: the agreement names no platform that is known here.
    """
    demand, offer = agreement.demand_properties, agreement.offer_properties
    chosen = demand.get(CHOSEN)
    candidates = [chosen] if chosen is not None else list(_common(demand, offer))
    platform = next((candidate for candidate in candidates if candidate in supported), None)
    if not isinstance(platform, str):
        raise InvalidInput("the agreement names no payment platform that this node has")
    return Terms(
        platform=platform,
        payer_address=_address(demand, platform, agreement.requestor_id),
        payee_address=_address(offer, platform, agreement.provider_id),
    )


def address_key(platform: str) -> str:
    """Names the property that holds the address of a party on a platform."""
    return f"{PREFIX}{platform}{SUFFIX}"


def _common(demand: dict[str, Any], offer: dict[str, Any]) -> Iterator[str]:
    for key in demand:
        if key.startswith(PREFIX) and key.endswith(SUFFIX) and key in offer:
            yield key.removeprefix(PREFIX).removesuffix(SUFFIX)


def _address(properties: dict[str, Any], platform: str, default: str) -> str:
    """Gives an address as the party wrote it: applications compare it letter by letter."""
    address = properties.get(address_key(platform), default)
    if not isinstance(address, str) or address.lower() != default:
        raise InvalidInput(f"{address_key(platform)} has to be the identity {default}")
    return address
