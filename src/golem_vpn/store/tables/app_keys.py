"""Who may call the API."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from golem_vpn.store.tables.base import Base


class AppKeyRow(Base):
    """An application key, known by its hash alone."""

    __tablename__ = "app_keys"

    digest: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    identity: Mapped[str]
    allow_origins: Mapped[list[Any]] = mapped_column(JSON)
    created: Mapped[datetime]
