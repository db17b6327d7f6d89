"""What requestors and providers say to each other.

Every message may be sent twice without harm: what it is about has an id that its sender made.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from golem_vpn.net.wire import Message
from golem_vpn.store.roles import Role

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Hire(Message, frozen=True):
    """Asks a provider for an agreement, without any market; the same agreement again is the same request."""

    agreement_id: str
    requestor_id: str
    demand_id: str
    demand_properties: dict[str, Any]
    created: Moment
    valid_to: Moment


class Hired(msgspec.Struct, frozen=True):
    """The provider's yes."""

    provider_id: str
    offer_id: str
    offer_properties: dict[str, Any]
    approved: Moment


class CounterProposal(Message, frozen=True, kw_only=True):
    """Answers the other side's proposal by another; answered by nothing."""

    to: Role
    proposal: str
    """The key of the new proposal, which is its id without the letter of the side."""
    previous: str
    """The key of the one that it answers."""
    demand_id: str
    offer_id: str
    issuer_id: str
    properties: dict[str, Any]
    constraints: str


class RejectProposal(Message, frozen=True):
    """Says no to the other side's proposal; answered by nothing."""

    to: Role
    proposal: str
    issuer_id: str
    """Who says no."""
    reason: dict[str, Any] | None


class ProposeAgreement(Message, frozen=True):
    """Asks a provider to approve what it proposed last; answered by nothing, the approval comes by itself."""

    agreement_id: str
    proposal: str
    requestor_id: str
    created: Moment
    valid_to: Moment


class ApproveAgreement(Message, frozen=True):
    """The provider's yes; the agreement is in force when the requestor has answered, with nothing."""

    agreement_id: str
    approved: Moment


class RejectAgreement(Message, frozen=True):
    """The provider's no; answered by nothing."""

    agreement_id: str
    reason: dict[str, Any] | None


class CancelAgreement(Message, frozen=True):
    """Tells the provider that the requestor wants it no more; answered by nothing."""

    agreement_id: str
    reason: dict[str, Any] | None


class TerminateAgreement(Message, frozen=True):
    """Tells the other side of the end of an agreement that was in force; answered by nothing."""

    agreement_id: str
    by: Role
    reason: dict[str, Any] | None
