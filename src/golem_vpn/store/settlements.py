"""Which ended agreements a provider has settled."""

from datetime import datetime

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert

from golem_vpn.store.agreements import AgreementState, Role, StoredAgreement
from golem_vpn.store.database import Database
from golem_vpn.store.tables.agreements import AgreementRow
from golem_vpn.store.tables.provider import SettlementRow


class SettlementRepository:
    """Knows what is left to be done after agreements have ended."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def outstanding(self) -> list[StoredAgreement]:
        """Lists the agreements that have been terminated and are not settled, oldest first."""
        async with self._database.reading() as session:
            rows = await session.scalars(
                select(AgreementRow)
                .where(
                    AgreementRow.role == Role.PROVIDER,
                    AgreementRow.state == AgreementState.TERMINATED,
                    AgreementRow.id.not_in(select(SettlementRow.agreement_id)),
                )
                .order_by(AgreementRow.created, AgreementRow.id)
            )
            return [msgspec.convert(row, StoredAgreement, from_attributes=True) for row in rows]

    async def is_settled(self, agreement_id: str) -> bool:
        """Tells whether nothing is left to be done for an agreement."""
        async with self._database.reading() as session:
            return await session.get(SettlementRow, agreement_id) is not None

    async def settle(self, agreement_id: str, at: datetime) -> None:
        """Notes that nothing is left to be done; once more changes nothing. Forgets agreements that are forgotten."""
        async with self._database.transaction() as session:
            known = select(AgreementRow.id).where(AgreementRow.role == Role.PROVIDER)
            await session.execute(delete(SettlementRow).where(SettlementRow.agreement_id.not_in(known)))
            await session.execute(
                insert(SettlementRow).values(agreement_id=agreement_id, settled=at).on_conflict_do_nothing()
            )
