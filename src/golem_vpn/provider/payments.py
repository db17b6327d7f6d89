"""What a provider needs of the payment service."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from golem_vpn.store.agreements import StoredAgreement


class Payments(Protocol):
    """Asks requestors for money."""

    def account_properties(self) -> dict[str, Any]:
        """Says in the words of the market how this node can be paid."""
        ...

    async def issue_debit_note(
        self,
        agreement: StoredAgreement,
        activity_id: str,
        total_amount_due: Decimal,
        usage: Sequence[float],
        due: datetime | None,
    ) -> str:
        """Says what an activity has cost so far."""
        ...

    async def issue_invoice(
        self, agreement: StoredAgreement, activity_ids: Sequence[str], amount: Decimal, due: datetime
    ) -> str:
        """Asks for what an agreement has cost; stored before it returns, and sent until it is received."""
        ...
