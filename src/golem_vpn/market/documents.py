"""The market as its API shows it, and as parts of this daemon see it too."""

from datetime import datetime
from typing import Any

import msgspec

from golem_vpn.market import signed_offer
from golem_vpn.store.agreement_events import AgreementEventKind, StoredAgreementEvent
from golem_vpn.store.agreements import AgreementState, StoredAgreement
from golem_vpn.store.market import ProposalState, StoredProposal, StoredSubscription
from golem_vpn.store.roles import Role


class Document(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What the API answers with."""


class Demand(Document, frozen=True):
    """What a requestor looks for."""

    demand_id: str
    requestor_id: str
    properties: dict[str, Any]
    constraints: str
    timestamp: datetime


class Offer(Document, frozen=True):
    """What a provider has to give."""

    offer_id: str
    provider_id: str
    properties: dict[str, Any]
    constraints: str
    timestamp: datetime


class Proposal(Document, frozen=True):
    """A step of a negotiation."""

    proposal_id: str
    issuer_id: str
    state: ProposalState
    properties: dict[str, Any]
    constraints: str
    timestamp: datetime
    prev_proposal_id: str | None = None
    """The other side's proposal that this one answers."""


class Agreement(Document, frozen=True):
    """What a requestor and a provider agreed upon, or may agree upon."""

    agreement_id: str
    demand: Demand
    offer: Offer
    valid_to: datetime
    """Until when it can be approved."""
    approved_date: datetime | None
    terminated_date: datetime | None
    state: AgreementState
    reason: dict[str, Any] | None
    """Why it ended."""
    app_session_id: str | None
    timestamp: datetime


class AgreementEntry(Document, frozen=True):
    """An agreement in a list."""

    id: str
    timestamp: datetime
    approved_date: datetime | None
    role: Role
    state: AgreementState


class ProposalEvent(Document, frozen=True, tag_field="eventType"):
    """There is a proposal: a match, or the other side's answer."""

    event_date: datetime
    proposal: Proposal


class ProposalRejectedEvent(Document, frozen=True, tag_field="eventType"):
    """The other side says no to a proposal."""

    event_date: datetime
    proposal_id: str
    reason: dict[str, Any] | None


class AgreementEvent(Document, frozen=True, tag_field="eventType"):
    """A requestor asks a provider to approve an agreement."""

    event_date: datetime
    agreement: Agreement


MarketEvent = ProposalEvent | ProposalRejectedEvent | AgreementEvent


class AgreementChange(Document, frozen=True):
    """Something that happened to an agreement."""

    event_type: AgreementEventKind
    event_date: datetime
    agreement_id: str
    terminator: Role | None
    reason: dict[str, Any] | None


def demand_document(demand: StoredSubscription) -> Demand:
    """Shows a demand."""
    return Demand(
        demand_id=demand.id,
        requestor_id=demand.identity,
        properties=demand.properties,
        constraints=demand.constraints,
        timestamp=demand.created,
    )


def offer_document(offer: StoredSubscription) -> Offer:
    """Shows an offer."""
    return Offer(
        offer_id=offer.id,
        provider_id=offer.identity,
        properties=offer.properties,
        constraints=offer.constraints,
        timestamp=offer.created,
    )


def shown_offer(offer: signed_offer.Offer) -> Offer:
    """Shows an offer of the board."""
    return Offer(
        offer_id=offer.id,
        provider_id=offer.provider_id,
        properties=offer.properties,
        constraints=offer.constraints,
        timestamp=offer.created,
    )


def proposal_document(proposal: StoredProposal) -> Proposal:
    """Shows a proposal."""
    return Proposal(
        proposal_id=proposal.id,
        issuer_id=proposal.issuer_id,
        state=proposal.state,
        properties=proposal.properties,
        constraints=proposal.constraints,
        timestamp=proposal.created,
        prev_proposal_id=proposal.previous_id,
    )


def agreement_document(agreement: StoredAgreement) -> Agreement:
    """Shows an agreement."""
    return Agreement(
        agreement_id=agreement.id,
        demand=Demand(
            demand_id=agreement.demand_id,
            requestor_id=agreement.requestor_id,
            properties=agreement.demand_properties,
            constraints=agreement.demand_constraints,
            timestamp=agreement.created,
        ),
        offer=Offer(
            offer_id=agreement.offer_id,
            provider_id=agreement.provider_id,
            properties=agreement.offer_properties,
            constraints=agreement.offer_constraints,
            timestamp=agreement.created,
        ),
        valid_to=agreement.valid_to,
        approved_date=agreement.approved if agreement.state is not AgreementState.PENDING else None,
        terminated_date=agreement.ended,
        state=agreement.state,
        reason=agreement.reason,
        app_session_id=agreement.app_session_id,
        timestamp=agreement.created,
    )


def agreement_entry(agreement: StoredAgreement) -> AgreementEntry:
    """Shows an agreement in a list."""
    return AgreementEntry(
        id=agreement.id,
        timestamp=agreement.created,
        approved_date=agreement.approved,
        role=agreement.role,
        state=agreement.state,
    )


def agreement_change(event: StoredAgreementEvent) -> AgreementChange:
    """Shows what happened to an agreement."""
    return AgreementChange(
        event_type=event.kind,
        event_date=event.date,
        agreement_id=event.agreement_id,
        terminator=event.terminator,
        reason=event.reason,
    )
