"""The images of the local registry, and their names."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from golem_vpn.store.tables.base import Base


class ImageRow(Base):
    """An image, whose file is named by the digest."""

    __tablename__ = "images"

    digest: Mapped[str] = mapped_column(primary_key=True)
    size: Mapped[int]
    created: Mapped[datetime]


class ImageTagRow(Base):
    """A name that one image has at a time."""

    __tablename__ = "image_tags"

    tag: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(ForeignKey("images.digest"), index=True)
