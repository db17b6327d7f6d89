"""Agreements in the database."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import select, update

from golem_vpn.store.database import Database
from golem_vpn.store.tables.agreements import AgreementRow


class Role(StrEnum):
    """Which side of an agreement this node is on."""

    REQUESTOR = "Requestor"
    PROVIDER = "Provider"


class AgreementState(StrEnum):
    """Where an agreement stands; the names are those of the Market API."""

    PROPOSAL = "Proposal"
    PENDING = "Pending"
    CANCELLED = "Cancelled"
    REJECTED = "Rejected"
    APPROVED = "Approved"
    EXPIRED = "Expired"
    TERMINATED = "Terminated"


class StoredAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """One side's view of an agreement."""

    id: str
    role: Role
    requestor_id: str
    provider_id: str
    demand_id: str
    demand_properties: dict[str, Any] = {}
    demand_constraints: str = "()"
    offer_id: str
    offer_properties: dict[str, Any] = {}
    offer_constraints: str = "()"
    created: datetime
    valid_to: datetime
    """Until when it can be approved."""
    state: AgreementState
    approved: datetime | None = None
    ended: datetime | None = None
    end_reason: str | None = None
    told: bool = True
    """Whether the other side knows of this state."""


class AgreementRepository:
    """Keeps the agreements of this node, in one role."""

    def __init__(self, database: Database, role: Role) -> None:
        self._database = database
        self._role = role

    async def add(self, agreement: StoredAgreement) -> None:
        """Stores a new agreement."""
        async with self._database.transaction() as session:
            session.add(AgreementRow(**msgspec.structs.asdict(agreement)))

    async def find(self, agreement_id: str) -> StoredAgreement | None:
        """Finds an agreement by id."""
        async with self._database.reading() as session:
            row = await session.get(AgreementRow, (agreement_id, self._role))
            return None if row is None else _stored(row)

    async def of_requestor(self, requestor_id: str) -> list[StoredAgreement]:
        """Lists the agreements of a requestor, oldest first."""
        return await self._select(AgreementRow.requestor_id == requestor_id)

    async def in_state(self, state: AgreementState) -> list[StoredAgreement]:
        """Lists the agreements that are in a state, oldest first."""
        return await self._select(AgreementRow.state == state)

    async def untold(self) -> list[StoredAgreement]:
        """Lists the agreements whose state the other side does not know, oldest first."""
        return await self._select(AgreementRow.told.is_(False))

    async def change(self, agreement_id: str, *, only_in: AgreementState, **values: Any) -> StoredAgreement | None:
        """Changes an agreement that is in a certain state, and gives it; nothing where it is in another."""
        async with self._database.transaction() as session:
            rows = await session.scalars(
                update(AgreementRow)
                .where(AgreementRow.id == agreement_id, AgreementRow.role == self._role, AgreementRow.state == only_in)
                .values(**values)
                .returning(AgreementRow)
            )
            row = rows.one_or_none()
            return None if row is None else _stored(row)

    async def mark_told(self, agreement_id: str) -> None:
        """Notes that the other side knows."""
        async with self._database.transaction() as session:
            await session.execute(
                update(AgreementRow)
                .where(AgreementRow.id == agreement_id, AgreementRow.role == self._role)
                .values(told=True)
            )

    async def _select(self, condition: Any) -> list[StoredAgreement]:
        async with self._database.reading() as session:
            rows = await session.scalars(
                select(AgreementRow)
                .where(AgreementRow.role == self._role, condition)
                .order_by(AgreementRow.created, AgreementRow.id)
            )
            return [_stored(row) for row in rows]


def _stored(row: AgreementRow) -> StoredAgreement:
    return msgspec.convert(row, StoredAgreement, from_attributes=True)
