"""The nodes that the hubs of this node expelled, in the database."""

from collections.abc import Collection

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert

from golem_vpn.store.database import Database
from golem_vpn.store.tables.net import ExclusionRow


class ExclusionRepository:
    """Keeps what each hub said last."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> dict[str, set[str]]:
        """Gives the expelled nodes by hub."""
        found: dict[str, set[str]] = {}
        async with self._database.reading() as session:
            for row in await session.scalars(select(ExclusionRow)):
                found.setdefault(row.hub_id, set()).add(row.node_id)
        return found

    async def change(self, hub_id: str, added: Collection[str], removed: Collection[str]) -> None:
        """Stores what a hub says now."""
        async with self._database.transaction() as session:
            for node_id in removed:
                gone = (ExclusionRow.hub_id == hub_id, ExclusionRow.node_id == node_id)
                await session.execute(delete(ExclusionRow).where(*gone))
            for node_id in added:
                values = {"hub_id": hub_id, "node_id": node_id}
                await session.execute(insert(ExclusionRow).values(**values).on_conflict_do_nothing())
