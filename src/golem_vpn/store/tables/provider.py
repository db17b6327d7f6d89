"""What a provider has published and settled."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from golem_vpn.store.tables.base import Base


class SettlementRow(Base):
    """An ended agreement whose activities are gone and whose invoice is written."""

    __tablename__ = "settlements"

    agreement_id: Mapped[str] = mapped_column(primary_key=True)
    settled: Mapped[datetime]


class PublishedOfferRow(Base):
    """An offer of the provider agent's, as against those that others publish in this node's name."""

    __tablename__ = "published_offers"

    offer_id: Mapped[str] = mapped_column(primary_key=True)
