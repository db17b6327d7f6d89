"""What this node offers and demands, and what it negotiates about."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from golem_vpn.store.tables.base import Base


class SubscriptionRow(Base):
    """A demand or an offer of this node."""

    __tablename__ = "market_subscriptions"

    id: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(index=True)
    identity: Mapped[str]
    properties: Mapped[dict[str, Any]] = mapped_column(JSON)
    constraints: Mapped[str]
    created: Mapped[datetime]
    expires: Mapped[datetime]


class ProposalRow(Base):
    """A step of a negotiation, this node's or the other's; both have it, with ids that differ in their first letter."""

    __tablename__ = "market_proposals"

    id: Mapped[str] = mapped_column(primary_key=True)
    subscription_id: Mapped[str] = mapped_column(ForeignKey("market_subscriptions.id", ondelete="CASCADE"), index=True)
    other_subscription_id: Mapped[str]
    identity: Mapped[str]
    other_identity: Mapped[str]
    issuer_id: Mapped[str]
    own: Mapped[bool]
    previous_id: Mapped[str | None]
    properties: Mapped[dict[str, Any]] = mapped_column(JSON)
    constraints: Mapped[str]
    created: Mapped[datetime] = mapped_column(index=True)
    state: Mapped[str]
    reason: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    told: Mapped[bool] = mapped_column(index=True)


class MarketEventRow(Base):
    """News for the owner of a demand or an offer, which it has not confirmed yet by asking for more."""

    __tablename__ = "market_events"

    position: Mapped[int] = mapped_column(primary_key=True)
    subscription_id: Mapped[str] = mapped_column(ForeignKey("market_subscriptions.id", ondelete="CASCADE"), index=True)
    date: Mapped[datetime]
    kind: Mapped[str]
    proposal_id: Mapped[str | None]
    agreement_id: Mapped[str | None]
    reason: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
