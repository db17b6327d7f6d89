"""Which files others may fetch from here, or hand over to here."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from golem_vpn.store.tables.base import Base


class PublishedFileRow(Base):
    """A file behind a URL; files of the same content have the same name."""

    __tablename__ = "published_files"

    owner: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    modified: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str]
    created: Mapped[datetime]


class AwaitedFileRow(Base):
    """A place that waits for a file behind a URL."""

    __tablename__ = "awaited_files"

    owner: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    path: Mapped[str]
    created: Mapped[datetime]
