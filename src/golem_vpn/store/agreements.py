"""Agreements in the database."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from golem_vpn.store.agreement_events import StoredAgreementEvent
from golem_vpn.store.database import Database
from golem_vpn.store.lookout import Lookout
from golem_vpn.store.market import ProposalState, StoredMarketEvent, event_row
from golem_vpn.store.recollection import Recollection
from golem_vpn.store.roles import Role
from golem_vpn.store.tables.agreements import AgreementEventRow, AgreementRow
from golem_vpn.store.tables.market import ProposalRow

__all__ = ["AgreementRepository", "AgreementState", "Role", "StoredAgreement"]


class AgreementState(StrEnum):
    """Where an agreement stands; the names are those of the Market API."""

    PROPOSAL = "Proposal"
    PENDING = "Pending"
    CANCELLED = "Cancelled"
    REJECTED = "Rejected"
    APPROVED = "Approved"
    EXPIRED = "Expired"
    TERMINATED = "Terminated"


_FAILURES = {AgreementState.CANCELLED, AgreementState.REJECTED, AgreementState.EXPIRED}


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
    """When the provider said yes; of a provider's agreement that is Pending, this says that the requestor will hear."""
    ended: datetime | None = None
    reason: dict[str, Any] | None = None
    """Why it ended, as whoever ended it said: a message, and perhaps more."""
    terminator: Role | None = None
    """Who ended it."""
    app_session_id: str | None = None
    proposal_id: str | None = None
    """This side's id of the proposal that it was made from; one by direct hire has none."""
    told: bool = True
    """Whether the other side knows of this state."""

    @property
    def identity(self) -> str:
        """The identity of this node that has the agreement."""
        return self.requestor_id if self.role is Role.REQUESTOR else self.provider_id

    @property
    def other_identity(self) -> str:
        """The identity on the other side."""
        return self.provider_id if self.role is Role.REQUESTOR else self.requestor_id

    @property
    def end_reason(self) -> str | None:
        """Why it ended, in words."""
        return None if self.reason is None else str(self.reason.get("message", ""))


class RecentAgreements(Recollection[tuple[str, Role], StoredAgreement]):
    """The agreements that were read lately, by id and role."""


class AgreementRepository:
    """Keeps the agreements of this node, in one role."""

    def __init__(self, database: Database, role: Role) -> None:
        self._database = database
        self._role = role
        self._lookout = Lookout(database)
        self._recent = database.shared(RecentAgreements)

    async def add(self, agreement: StoredAgreement) -> None:
        """Stores a new agreement."""
        async with self._database.transaction() as session:
            session.add(AgreementRow(**msgspec.structs.asdict(agreement)))

    async def add_from_proposal(self, agreement: StoredAgreement, news: StoredMarketEvent | None = None) -> int | None:
        """Stores a new agreement, takes its proposal up for it, and tells the owner of the offer by news.

        Gives the place of the news, 0 without, and nothing where the proposal is not free: then nothing is changed.
        """
        async with self._database.transaction() as session:
            taken = await session.scalars(
                update(ProposalRow)
                .where(ProposalRow.id == agreement.proposal_id, ProposalRow.state == ProposalState.DRAFT)
                .values(state=ProposalState.ACCEPTED)
                .returning(ProposalRow.id)
            )
            if taken.first() is None:
                return None
            session.add(AgreementRow(**msgspec.structs.asdict(agreement)))
            if news is None:
                return 0
            row = event_row(news)
            session.add(row)
            await session.flush()
            return row.position

    async def find(self, agreement_id: str) -> StoredAgreement | None:
        """Finds an agreement by id."""
        key = agreement_id, self._role
        if (recent := self._recent.find(key)) is not None:
            return recent
        writes = self._recent.writes
        async with self._database.reading() as session:
            row = await session.get(AgreementRow, key)
            if row is None:
                return None
            agreement = _stored(row)
        self._recent.keep(key, agreement, writes)
        return agreement

    async def of_requestor(self, requestor_id: str) -> list[StoredAgreement]:
        """Lists the agreements of a requestor, oldest first."""
        return await self._select(AgreementRow.requestor_id == requestor_id)

    async def of_provider(self, provider_id: str) -> list[StoredAgreement]:
        """Lists the agreements of a provider, oldest first."""
        return await self._select(AgreementRow.provider_id == provider_id)

    async def in_state(self, *states: AgreementState) -> list[StoredAgreement]:
        """Lists the agreements that are in one of some states, oldest first."""
        return await self._lookout.find(states, lambda: self._select(AgreementRow.state.in_(states)))

    async def untold(self) -> list[StoredAgreement]:
        """Lists the agreements whose state the other side does not know, oldest first."""
        return await self._lookout.find("untold", lambda: self._select(AgreementRow.told.is_(False)))

    async def change(
        self,
        agreement_id: str,
        *,
        only_in: AgreementState | Collection[AgreementState],
        event: StoredAgreementEvent | None = None,
        **values: Any,
    ) -> StoredAgreement | None:
        """Changes an agreement that is in a certain state, and gives it; nothing where it is in another.

        The event, which tells of the change, is stored with it or not at all. An agreement that will never come about
        leaves its proposal free for another.
        """
        states = {only_in} if isinstance(only_in, AgreementState) else set(only_in)
        async with self._changing(agreement_id) as session:
            rows = await session.scalars(
                update(AgreementRow)
                .where(AgreementRow.id == agreement_id, AgreementRow.role == self._role, AgreementRow.state.in_(states))
                .values(**values)
                .returning(AgreementRow)
            )
            row = rows.one_or_none()
            if row is None:
                return None
            if event is not None:
                session.add(AgreementEventRow(**msgspec.structs.asdict(event)))
            if row.state in _FAILURES:
                await session.execute(
                    update(ProposalRow)
                    .where(ProposalRow.id == row.proposal_id, ProposalRow.state == ProposalState.ACCEPTED)
                    .values(state=ProposalState.DRAFT)
                )
            return _stored(row)

    async def mark_told(self, agreement_id: str, state: AgreementState | None = None) -> None:
        """Notes that the other side knows; with a state, only while the agreement is in it."""
        condition = AgreementRow.state == state if state is not None else AgreementRow.told.is_(False)
        async with self._changing(agreement_id) as session:
            await session.execute(
                update(AgreementRow)
                .where(AgreementRow.id == agreement_id, AgreementRow.role == self._role, condition)
                .values(told=True)
            )

    async def prune(self, ended_before: datetime) -> None:
        """Forgets the agreements that ended long ago, with their events."""
        old = [AgreementRow.role == self._role, AgreementRow.ended < ended_before, AgreementRow.told.is_(True)]
        async with self._database.transaction() as session:
            await session.execute(
                delete(AgreementEventRow).where(
                    AgreementEventRow.role == self._role,
                    AgreementEventRow.agreement_id.in_(select(AgreementRow.id).where(*old)),
                )
            )
            await session.execute(delete(AgreementRow).where(*old))
        self._recent.forget_all()

    @asynccontextmanager
    async def _changing(self, agreement_id: str) -> AsyncIterator[AsyncSession]:
        try:
            async with self._database.transaction() as session:
                yield session
        finally:
            self._recent.forget((agreement_id, self._role))

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
