"""The networks that this node owns."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from golem_vpn.store.tables.base import Base


class NetworkRow(Base):
    """A network; a removed one stays until its members were told."""

    __tablename__ = "networks"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(index=True)
    ip: Mapped[str]
    gateway: Mapped[str]
    created: Mapped[datetime]
    removed: Mapped[bool] = mapped_column(default=False)


class NetworkAddressRow(Base):
    """An address that the owner took for itself, in the order of asking."""

    __tablename__ = "network_addresses"
    __table_args__ = (UniqueConstraint("network_id", "ip"),)

    position: Mapped[int] = mapped_column(primary_key=True)
    network_id: Mapped[str] = mapped_column(ForeignKey("networks.id", ondelete="CASCADE"))
    ip: Mapped[str]


class NetworkNodeRow(Base):
    """An address that a node has in a network."""

    __tablename__ = "network_nodes"
    __table_args__ = (UniqueConstraint("network_id", "ip"),)

    position: Mapped[int] = mapped_column(primary_key=True)
    network_id: Mapped[str] = mapped_column(ForeignKey("networks.id", ondelete="CASCADE"))
    node_id: Mapped[str]
    ip: Mapped[str]
