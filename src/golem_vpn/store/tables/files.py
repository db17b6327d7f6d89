"""Which files others may fetch from here, or hand over to here."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from golem_vpn.store.tables.base import Base


class OfferedFileRow(Base):
    """A file behind a URL: a published one is known by its size, its time and its digest, an awaited one not yet."""

    __tablename__ = "offered_files"

    owner: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    path: Mapped[str]
    created: Mapped[datetime]
    size: Mapped[int | None] = mapped_column(BigInteger)
    modified: Mapped[int | None] = mapped_column(BigInteger)
    digest: Mapped[str | None]
