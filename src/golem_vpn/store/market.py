"""Demands, offers, proposals, and news of them that were not confirmed yet, in the database."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from golem_vpn.store.database import Database
from golem_vpn.store.lookout import Lookout
from golem_vpn.store.roles import Role
from golem_vpn.store.tables.market import MarketEventRow, ProposalRow, SubscriptionRow


class StoredSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """A demand or an offer of this node."""

    id: str
    role: Role
    identity: str
    properties: dict[str, Any]
    constraints: str
    created: datetime
    expires: datetime


class ProposalState(StrEnum):
    """Where a proposal stands; the names are those of the Market API."""

    INITIAL = "Initial"
    DRAFT = "Draft"
    REJECTED = "Rejected"
    ACCEPTED = "Accepted"
    EXPIRED = "Expired"


class StoredProposal(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a negotiation, as one side knows it."""

    id: str
    subscription_id: str
    """The demand or offer of this node that it is about."""
    other_subscription_id: str
    identity: str
    other_identity: str
    issuer_id: str
    own: bool
    """Whether it was made here."""
    previous_id: str | None = None
    """The proposal that it answers, in this side's form of the id."""
    properties: dict[str, Any]
    constraints: str
    created: datetime
    state: ProposalState
    reason: dict[str, Any] | None = None
    """Why it was rejected."""
    told: bool = True
    """Whether the other side knows of it and, where it was rejected here, of that."""


class MarketEventKind(StrEnum):
    """What there is to tell; the names are those of the Market API."""

    PROPOSAL = "ProposalEvent"
    REJECTED = "ProposalRejectedEvent"
    AGREEMENT = "AgreementEvent"


class StoredMarketEvent(msgspec.Struct, frozen=True, kw_only=True):
    """News for the owner of a demand or an offer."""

    position: int = 0
    """The place in the order of all news; given by the database."""
    subscription_id: str
    date: datetime
    kind: MarketEventKind
    proposal_id: str | None = None
    agreement_id: str | None = None
    reason: dict[str, Any] | None = None


class MarketRepository:
    """Keeps what this node demands, offers and negotiates."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lookout = Lookout(database)

    async def add_subscription(self, subscription: StoredSubscription) -> None:
        """Stores a demand or an offer."""
        async with self._database.transaction() as session:
            session.add(SubscriptionRow(**msgspec.structs.asdict(subscription)))

    async def remove_subscription(self, subscription_id: str) -> None:
        """Forgets a demand or an offer, with its proposals and news."""
        async with self._database.transaction() as session:
            await session.execute(delete(SubscriptionRow).where(SubscriptionRow.id == subscription_id))

    async def subscriptions(self, role: Role) -> list[StoredSubscription]:
        """Lists all demands, or all offers, oldest first."""
        order = (SubscriptionRow.created, SubscriptionRow.id)
        async with self._database.reading() as session:
            rows = await session.scalars(select(SubscriptionRow).where(SubscriptionRow.role == role).order_by(*order))
            return [msgspec.convert(row, StoredSubscription, from_attributes=True) for row in rows]

    async def negotiated_with(self, subscription_id: str) -> set[str]:
        """Lists the other sides' offers or demands that there are proposals about."""
        query = select(ProposalRow.other_subscription_id).where(ProposalRow.subscription_id == subscription_id)
        async with self._database.reading() as session:
            return set(await session.scalars(query.distinct()))

    async def find_proposal(self, proposal_id: str) -> StoredProposal | None:
        """Finds a proposal by this side's id of it."""
        async with self._database.reading() as session:
            row = await session.get(ProposalRow, proposal_id)
            return None if row is None else _proposal(row)

    async def find_proposals(self, proposal_ids: Collection[str]) -> dict[str, StoredProposal]:
        """Finds proposals by their ids."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(ProposalRow).where(ProposalRow.id.in_(proposal_ids)))
            return {row.id: _proposal(row) for row in rows}

    async def count_proposals(self, subscription_id: str, other_identity: str) -> int:
        """Counts the proposals about a demand or an offer between this node and another identity."""
        query = select(func.count()).where(
            ProposalRow.subscription_id == subscription_id, ProposalRow.other_identity == other_identity
        )
        async with self._database.reading() as session:
            return await session.scalar(query) or 0

    async def untold_proposals(self) -> list[StoredProposal]:
        """Lists the own proposals, and the rejected ones of others, that the other side does not know, oldest first."""
        return await self._lookout.find("untold", self._select_untold_proposals)

    async def _select_untold_proposals(self) -> list[StoredProposal]:
        order = (ProposalRow.created, ProposalRow.id)
        async with self._database.reading() as session:
            rows = await session.scalars(select(ProposalRow).where(ProposalRow.told.is_(False)).order_by(*order))
            return [_proposal(row) for row in rows]

    async def change_proposal(
        self,
        proposal_id: str,
        *,
        only_in: Collection[ProposalState],
        event: StoredMarketEvent | None = None,
        **values: Any,
    ) -> int | None:
        """Changes a proposal that is in one of some states, and tells of it by an event.

        Gives the event's position, 0 without one, and nothing where the proposal is in another state.
        """
        async with self._database.transaction() as session:
            changed = await session.scalars(
                update(ProposalRow)
                .where(ProposalRow.id == proposal_id, ProposalRow.state.in_(only_in))
                .values(**values)
                .returning(ProposalRow.id)
            )
            if changed.first() is None:
                return None
            if event is None:
                return 0
            row = event_row(event)
            session.add(row)
            await session.flush()
            return row.position

    async def mark_told(self, proposal_id: str) -> None:
        """Notes that the other side knows a proposal."""
        async with self._database.transaction() as session:
            await session.execute(update(ProposalRow).where(ProposalRow.id == proposal_id).values(told=True))

    async def add_proposals(
        self,
        proposals: Sequence[StoredProposal],
        events: Sequence[StoredMarketEvent] = (),
        confirmed: Collection[int] = (),
    ) -> list[int]:
        """Stores proposals with news of them, and forgets news that were confirmed; gives the places of the new ones.

        Proposals that are there already stay as they are.
        """
        rows = [event_row(event) for event in events]
        async with self._database.transaction() as session:
            if confirmed:
                await session.execute(delete(MarketEventRow).where(MarketEventRow.position.in_(confirmed)))
            for proposal in proposals:
                values = msgspec.structs.asdict(proposal)
                await session.execute(insert(ProposalRow).values(**values).on_conflict_do_nothing())
            session.add_all(rows)
            await session.flush()
            return [row.position for row in rows]

    async def add_event(self, event: StoredMarketEvent) -> int:
        """Stores news, and gives its place."""
        return (await self.add_proposals([], [event]))[0]

    async def events(self) -> list[StoredMarketEvent]:
        """Lists all news that were not confirmed, in order."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(MarketEventRow).order_by(MarketEventRow.position))
            return [msgspec.convert(row, StoredMarketEvent, from_attributes=True) for row in rows]

    async def prune_proposals(self, before: datetime) -> None:
        """Forgets the steps of old negotiations; which offers a demand has met stays known."""
        is_step = or_(ProposalRow.previous_id.is_not(None), ProposalRow.own.is_(True))
        async with self._database.transaction() as session:
            await session.execute(delete(ProposalRow).where(is_step, ProposalRow.created < before))


def _proposal(row: ProposalRow) -> StoredProposal:
    return msgspec.convert(row, StoredProposal, from_attributes=True)


def event_row(event: StoredMarketEvent) -> MarketEventRow:
    """Gives the row of news, whose place the database is to give."""
    values = msgspec.structs.asdict(event)
    del values["position"]
    return MarketEventRow(**values)
