"""Who hired whom, and what runs because of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index
from sqlalchemy.orm import Mapped, mapped_column

from golem_vpn.store.tables.base import Base


class AgreementRow(Base):
    """One side's view of an agreement; a node that hires itself has both."""

    __tablename__ = "agreements"

    id: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    requestor_id: Mapped[str] = mapped_column(index=True)
    provider_id: Mapped[str] = mapped_column(index=True)
    demand_id: Mapped[str]
    demand_properties: Mapped[dict[str, Any]] = mapped_column(JSON)
    demand_constraints: Mapped[str]
    offer_id: Mapped[str]
    offer_properties: Mapped[dict[str, Any]] = mapped_column(JSON)
    offer_constraints: Mapped[str]
    created: Mapped[datetime]
    valid_to: Mapped[datetime]
    state: Mapped[str] = mapped_column(index=True)
    approved: Mapped[datetime | None]
    ended: Mapped[datetime | None]
    reason: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    terminator: Mapped[str | None]
    app_session_id: Mapped[str | None]
    proposal_id: Mapped[str | None]
    told: Mapped[bool] = mapped_column(index=True)


class AgreementEventRow(Base):
    """What happened to an agreement, as one side sees it."""

    __tablename__ = "agreement_events"
    __table_args__ = (Index(None, "identity", "date"),)

    date: Mapped[datetime] = mapped_column(primary_key=True)
    identity: Mapped[str]
    agreement_id: Mapped[str] = mapped_column(index=True)
    role: Mapped[str]
    app_session_id: Mapped[str | None]
    kind: Mapped[str]
    terminator: Mapped[str | None]
    reason: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class ActivityRow(Base):
    """One side's view of an activity."""

    __tablename__ = "activities"

    id: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    agreement_id: Mapped[str] = mapped_column(index=True)
    created: Mapped[datetime]
    ended: Mapped[datetime | None] = mapped_column(index=True)
    end_reason: Mapped[str | None]
    usage: Mapped[dict[str, float]] = mapped_column(JSON)
    told: Mapped[bool] = mapped_column(index=True)
