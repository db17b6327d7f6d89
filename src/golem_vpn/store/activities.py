"""Activities in the database."""

from datetime import datetime

import msgspec
from sqlalchemy import select, update

from golem_vpn.store.agreements import Role
from golem_vpn.store.database import Database
from golem_vpn.store.lookout import Lookout
from golem_vpn.store.tables.agreements import ActivityRow


class StoredActivity(msgspec.Struct, frozen=True, kw_only=True):
    """One side's view of an activity."""

    id: str
    role: Role
    agreement_id: str
    created: datetime
    ended: datetime | None = None
    end_reason: str | None = None
    usage: dict[str, float] = {}
    """The last counters known, by name."""
    told: bool = True
    """Whether the other side knows of the end."""


class ActivityRepository:
    """Keeps the activities of this node, in one role."""

    def __init__(self, database: Database, role: Role) -> None:
        self._database = database
        self._role = role
        self._lookout = Lookout(database)

    async def add(self, activity: StoredActivity) -> None:
        """Stores a new activity."""
        async with self._database.transaction() as session:
            session.add(ActivityRow(**msgspec.structs.asdict(activity)))

    async def find(self, activity_id: str) -> StoredActivity | None:
        """Finds an activity by id."""
        async with self._database.reading() as session:
            row = await session.get(ActivityRow, (activity_id, self._role))
            return None if row is None else _stored(row)

    async def of_agreement(self, agreement_id: str) -> list[StoredActivity]:
        """Lists the activities of an agreement, oldest first."""
        async with self._database.reading() as session:
            rows = await session.scalars(
                select(ActivityRow)
                .where(ActivityRow.role == self._role, ActivityRow.agreement_id == agreement_id)
                .order_by(ActivityRow.created, ActivityRow.id)
            )
            return [_stored(row) for row in rows]

    async def live(self) -> list[StoredActivity]:
        """Lists the activities that have not ended, oldest first."""
        async with self._database.reading() as session:
            rows = await session.scalars(
                select(ActivityRow)
                .where(ActivityRow.role == self._role, ActivityRow.ended.is_(None))
                .order_by(ActivityRow.created, ActivityRow.id)
            )
            return [_stored(row) for row in rows]

    async def untold(self) -> list[StoredActivity]:
        """Lists the activities whose end the other side does not know."""
        return await self._lookout.find("untold", self._select_untold)

    async def _select_untold(self) -> list[StoredActivity]:
        async with self._database.reading() as session:
            rows = await session.scalars(
                select(ActivityRow).where(ActivityRow.role == self._role, ActivityRow.told.is_(False))
            )
            return [_stored(row) for row in rows]

    async def end(
        self, activity_id: str, *, at: datetime, reason: str, usage: dict[str, float] | None = None, told: bool = True
    ) -> bool:
        """Notes the end of an activity; tells whether it had not ended before."""
        values = {"ended": at, "end_reason": reason, "told": told} | ({} if usage is None else {"usage": usage})
        async with self._database.transaction() as session:
            ended = await session.scalars(
                update(ActivityRow)
                .where(ActivityRow.id == activity_id, ActivityRow.role == self._role, ActivityRow.ended.is_(None))
                .values(**values)
                .returning(ActivityRow.id)
            )
            return ended.first() is not None

    async def note_usage(self, activity_id: str, usage: dict[str, float]) -> None:
        """Notes what a running activity has used so far, in case that nobody can tell later."""
        async with self._database.transaction() as session:
            await session.execute(
                update(ActivityRow)
                .where(ActivityRow.id == activity_id, ActivityRow.role == self._role, ActivityRow.ended.is_(None))
                .values(usage=usage)
            )

    async def end_all(self, *, at: datetime, reason: str) -> int:
        """Notes the same end of all activities that have none, and counts them."""
        async with self._database.transaction() as session:
            ended = await session.scalars(
                update(ActivityRow)
                .where(ActivityRow.role == self._role, ActivityRow.ended.is_(None))
                .values(ended=at, end_reason=reason)
                .returning(ActivityRow.id)
            )
            return len(ended.all())

    async def mark_told(self, activity_id: str, usage: dict[str, float] | None) -> None:
        """Notes that the other side knows of the end, and what it had counted by then."""
        values = {"told": True} | ({} if usage is None else {"usage": usage})
        async with self._database.transaction() as session:
            await session.execute(
                update(ActivityRow)
                .where(ActivityRow.id == activity_id, ActivityRow.role == self._role)
                .values(**values)
            )


def _stored(row: ActivityRow) -> StoredActivity:
    return msgspec.convert(row, StoredActivity, from_attributes=True)
