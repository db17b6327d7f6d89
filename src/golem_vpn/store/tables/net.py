"""What this node knows of others: where they are, whom its hub admits, and the documents of the networks."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from golem_vpn.store.tables.base import Base


class NodeRecordRow(Base):
    """The newest signed record of a node that matters here, this node's own among them."""

    __tablename__ = "node_records"

    node_id: Mapped[str] = mapped_column(primary_key=True)
    issued_at: Mapped[int] = mapped_column(BigInteger)
    signed: Mapped[bytes] = mapped_column(LargeBinary)


class HubTicketRow(Base):
    """A ticket that this hub gave out, by the hash of its token."""

    __tablename__ = "hub_tickets"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    relay_pass: Mapped[str]
    created: Mapped[datetime]
    expires: Mapped[datetime]
    uses: Mapped[int | None]
    used: Mapped[int]


class HubMemberRow(Base):
    """A node that this hub admitted, by a ticket or by its operator, or expelled."""

    __tablename__ = "hub_members"

    node_id: Mapped[str] = mapped_column(primary_key=True)
    joined: Mapped[datetime]
    last_seen: Mapped[datetime | None]
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    expelled: Mapped[datetime | None]


class HubRelayRow(Base):
    """The relay that a member of this hub runs."""

    __tablename__ = "hub_relays"

    node_id: Mapped[str] = mapped_column(primary_key=True)
    offer: Mapped[bytes] = mapped_column(LargeBinary)


class ExclusionRow(Base):
    """A node that a hub, which this node joined, expelled."""

    __tablename__ = "exclusions"

    hub_id: Mapped[str] = mapped_column(primary_key=True)
    node_id: Mapped[str] = mapped_column(primary_key=True)


class JoinedHubRow(Base):
    """A hub that this node joined, or is about to join with a token."""

    __tablename__ = "joined_hubs"

    node_id: Mapped[str] = mapped_column(primary_key=True)
    endpoint_id: Mapped[bytes] = mapped_column(LargeBinary)
    addresses: Mapped[str]
    token: Mapped[bytes | None] = mapped_column(LargeBinary)
    relays: Mapped[bytes] = mapped_column(LargeBinary)


class NetworkDocumentRow(Base):
    """The newest signed document of a network, whoever owns it."""

    __tablename__ = "network_documents"

    network_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    owner: Mapped[str] = mapped_column(index=True)
    signed: Mapped[bytes] = mapped_column(LargeBinary)


class NetworkAudienceRow(Base):
    """A node that is to know the newest version of a document of this node's, and the one that it confirmed."""

    __tablename__ = "network_audiences"

    network_id: Mapped[str] = mapped_column(
        ForeignKey("network_documents.network_id", ondelete="CASCADE"), primary_key=True
    )
    node_id: Mapped[str] = mapped_column(primary_key=True)
    confirmed: Mapped[int] = mapped_column(BigInteger)
