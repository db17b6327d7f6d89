"""Which offers the provider agent has published."""

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert

from golem_vpn.store.database import Database
from golem_vpn.store.tables.provider import PublishedOfferRow


class PublishedOfferRepository:
    """Tells the agent's offers from those that others publish in this node's name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, offer_id: str) -> None:
        """Notes an offer."""
        async with self._database.transaction() as session:
            await session.execute(insert(PublishedOfferRow).values(offer_id=offer_id).on_conflict_do_nothing())

    async def remove(self, offer_id: str) -> None:
        """Forgets an offer."""
        async with self._database.transaction() as session:
            await session.execute(delete(PublishedOfferRow).where(PublishedOfferRow.offer_id == offer_id))

    async def all(self) -> list[str]:
        """Lists the offers by id."""
        async with self._database.reading() as session:
            return list(await session.scalars(select(PublishedOfferRow.offer_id).order_by(PublishedOfferRow.offer_id)))
