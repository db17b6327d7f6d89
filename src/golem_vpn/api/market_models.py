"""What clients send to the Market API, and the checks of its queries."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from litestar.params import QueryParameter

from golem_vpn.errors import InvalidInput

DEFAULT_EVENTS = 20
MAX_EVENTS = 100
DEFAULT_SCAN_SECONDS = 30.0

AppSession: TypeAlias = Annotated[str | None, QueryParameter(name="appSessionId")]
"""What the caller calls the run of its application that something belongs to."""
Reason: TypeAlias = dict[str, Any]
"""Why something ends: a `message`, and whatever else there is to say."""


class Terms(msgspec.Struct, frozen=True):
    """A demand, an offer, or a proposal."""

    properties: dict[str, Any]
    """By flat names; objects within objects are taken for names with dots."""
    constraints: str
    """What the other side's properties have to be, such as `(&(golem.inf.mem.gib>=2)(golem.runtime.name=vm))`."""


class NewMarketAgreement(msgspec.Struct, frozen=True, rename="camel"):
    """An agreement to make of a provider's answer to a proposal."""

    proposal_id: str
    valid_to: datetime
    """Until when the provider can approve it."""


class NewScan(msgspec.Struct, frozen=True):
    """A scan of the offers there are."""

    type: Literal["offer"]
    timeout: float | None = None
    """The seconds after which it ends when nobody asks for its events."""
    constraints: str | None = None
    """What the properties of offers have to be."""


def events_of(limit: int | None) -> int:
    """Gives how many events are asked for at most.

    Raises:
        InvalidInput: less than one, or too many.
    """
    if limit is not None and not 1 <= limit <= MAX_EVENTS:
        raise InvalidInput(f"maxEvents has to be from 1 to {MAX_EVENTS}")
    return limit or DEFAULT_EVENTS
