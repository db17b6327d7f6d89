"""What happened to agreements, in the database; the date of an event is its name."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import func, select

from golem_vpn.store.database import Database
from golem_vpn.store.roles import Role
from golem_vpn.store.tables.agreements import AgreementEventRow


class AgreementEventKind(StrEnum):
    """What happened; the names are those of the Market API."""

    APPROVED = "AgreementApprovedEvent"
    REJECTED = "AgreementRejectedEvent"
    CANCELLED = "AgreementCancelledEvent"
    TERMINATED = "AgreementTerminatedEvent"


class StoredAgreementEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to an agreement, as one side sees it."""

    date: datetime
    identity: str
    agreement_id: str
    role: Role
    app_session_id: str | None
    kind: AgreementEventKind
    terminator: Role | None = None
    reason: dict[str, Any] | None = None


class AgreementEventRepository:
    """Gives the events of agreements; they are stored with the changes that they tell of."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def last_date(self) -> datetime | None:
        """Gives the date of the newest event of all."""
        async with self._database.reading() as session:
            return await session.scalar(select(func.max(AgreementEventRow.date)))

    async def of(
        self, identity: str, *, after: datetime, app_session_id: str | None, limit: int
    ) -> list[StoredAgreementEvent]:
        """Lists the events of an identity that follow a date, oldest first, of one session where that is given."""
        query = select(AgreementEventRow).where(AgreementEventRow.identity == identity, AgreementEventRow.date > after)
        if app_session_id is not None:
            query = query.where(AgreementEventRow.app_session_id == app_session_id)
        async with self._database.reading() as session:
            rows = await session.scalars(query.order_by(AgreementEventRow.date).limit(limit))
            return [msgspec.convert(row, StoredAgreementEvent, from_attributes=True) for row in rows]
