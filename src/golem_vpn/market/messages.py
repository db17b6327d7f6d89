"""What requestors and providers say to each other about agreements."""

from datetime import datetime
from typing import Any

import msgspec

from golem_vpn.net.wire import Message


class Hire(Message, frozen=True):
    """Asks a provider for an agreement, without any market; the same agreement again is the same request."""

    agreement_id: str
    requestor_id: str
    demand_id: str
    demand_properties: dict[str, Any]
    created: datetime
    valid_to: datetime


class Hired(msgspec.Struct, frozen=True):
    """The provider's yes."""

    provider_id: str
    offer_id: str
    offer_properties: dict[str, Any]
    approved: datetime


class TerminateAgreement(Message, frozen=True):
    """Tells the provider that the requestor ended an agreement."""

    agreement_id: str
    reason: str
