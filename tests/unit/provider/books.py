"""A provider's agreements, activities and invoices without any market: real databases and ExeUnits, a plain runtime."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio

from golem_vpn.errors import GolemVpnError
from golem_vpn.provider.activities import Means, ProviderActivities
from golem_vpn.store.activities import ActivityRepository
from golem_vpn.store.agreements import AgreementRepository, AgreementState, Role, StoredAgreement
from golem_vpn.store.database import Database
from tests.unit.exeunit.kit import NotedCarrier, NotedNetworks
from tests.unit.exeunit.local_packages import LocalPackages
from tests.unit.exeunit.plain_runtime import PlainRuntime

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ALICE = "0x" + "a" * 40
BOB = "0x" + "b" * 40
PRICES: dict[str, Any] = {
    "golem.com.usage.vector": ["golem.usage.duration_sec", "golem.usage.cpu_sec"],
    "golem.com.pricing.model.linear.coeffs": [0.0, 0.0, 1.5],
}


@dataclass
class NotedPayments:
    """Writes down what it is told to ask for."""

    invoices: list[tuple[str, list[str], Decimal]] = field(default_factory=list)
    debit_notes: list[tuple[str, Decimal, list[float]]] = field(default_factory=list)
    failures: list[GolemVpnError] = field(default_factory=list)
    """What the next calls fail with."""
    asked: anyio.Event = field(default_factory=anyio.Event)

    def account_properties(self) -> dict[str, Any]:
        return {}

    async def issue_debit_note(
        self, agreement: StoredAgreement, activity_id: str, total_amount_due: Decimal, usage: Sequence[float],
        due: datetime | None,
    ) -> str:  # fmt: skip
        assert due is None
        self.debit_notes.append((activity_id, total_amount_due, list(usage)))
        return "note"

    async def issue_invoice(
        self, agreement: StoredAgreement, activity_ids: Sequence[str], amount: Decimal, due: datetime
    ) -> str:
        self.asked.set()
        if self.failures:
            raise self.failures.pop()
        self.invoices.append((agreement.id, list(activity_ids), amount))
        return "invoice"


@dataclass
class Books:
    """What a provider keeps."""

    database: Database
    agreements: AgreementRepository
    activity_repository: ActivityRepository
    activities: ProviderActivities
    payments: NotedPayments

    async def agree(self, digit: str = "1", **changes: Any) -> StoredAgreement:
        """Stores an agreement in force."""
        fields: dict[str, Any] = {
            "id": digit * 64, "role": Role.PROVIDER, "requestor_id": ALICE, "provider_id": BOB, "demand_id": "d",
            "offer_id": "o", "offer_properties": PRICES, "created": NOON, "valid_to": NOON + timedelta(hours=1),
            "state": AgreementState.APPROVED, "approved": NOON,
        }  # fmt: skip
        agreement = StoredAgreement(**fields | changes)
        await self.agreements.add(agreement)
        return agreement

    async def end(self, agreement: StoredAgreement) -> None:
        """Ends an agreement as its requestor would."""
        changed = await self.agreements.change(
            agreement.id, only_in=AgreementState.APPROVED, state=AgreementState.TERMINATED, ended=NOON
        )
        assert changed is not None


@asynccontextmanager
async def open_books(directory: Path) -> AsyncIterator[Books]:
    """Opens the books of a provider."""
    database = Database(directory / "golem-vpn.db")
    await database.open()
    try:
        repository = ActivityRepository(database, Role.PROVIDER)
        means = Means(
            PlainRuntime, NotedNetworks(), LocalPackages(), NotedCarrier(), directory / "activities", hidden=()
        )
        activities = ProviderActivities(repository, means, maximum=4)
        agreements = AgreementRepository(database, Role.PROVIDER)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(activities.run)
            await anyio.wait_all_tasks_blocked()
            yield Books(database, agreements, repository, activities, NotedPayments())
            tasks.cancel_scope.cancel()
    finally:
        await database.close()
