"""What follows the end of an agreement: its activities end, and the requestor gets an invoice, at once.

The database knows which agreements are not settled, so one that ended just before the daemon did is settled when it is
started again.
"""

from datetime import timedelta
from decimal import Decimal

import anyio
import structlog
from anyio.abc import TaskGroup

from golem_vpn import moments
from golem_vpn.bells import Bells
from golem_vpn.errors import Conflict, GolemVpnError, InvalidInput
from golem_vpn.provider import pricing
from golem_vpn.provider.activities import ProviderActivities
from golem_vpn.provider.payments import Payments
from golem_vpn.store.activities import ActivityRepository
from golem_vpn.store.agreements import StoredAgreement
from golem_vpn.store.settlements import SettlementRepository

RETRY_SECONDS = 5.0
PAYMENT_TIME = timedelta(days=1)
AT_ONCE = 16

log = structlog.get_logger()


class Settlement:
    """Settles agreements that have ended."""

    def __init__(
        self,
        repository: SettlementRepository,
        activities: ProviderActivities,
        activity_repository: ActivityRepository,
        payments: Payments,
    ) -> None:
        self._repository = repository
        self._activities = activities
        self._activity_repository = activity_repository
        self._payments = payments
        self._ended = Bells[None]()
        self._under_way: set[str] = set()

    def wake(self) -> None:
        """Tells that an agreement has ended."""
        self._ended.ring(None)

    async def run(self) -> None:
        """Settles what has ended, for ever."""
        async with anyio.create_task_group() as tasks:
            while True:
                ended = self._ended.listen(None)
                await self._begin_outstanding(tasks)
                with anyio.move_on_after(RETRY_SECONDS):
                    await ended.wait()

    async def _begin_outstanding(self, tasks: TaskGroup) -> None:
        for agreement in await self._repository.outstanding():
            if len(self._under_way) >= AT_ONCE:
                return
            if agreement.id not in self._under_way:
                self._under_way.add(agreement.id)
                tasks.start_soon(self._try_to_settle, agreement)

    async def _try_to_settle(self, agreement: StoredAgreement) -> None:
        try:
            # It may have been settled between being listed and being begun.
            if not await self._repository.is_settled(agreement.id):
                await self._settle(agreement)
        except GolemVpnError as error:
            log.warning("an agreement cannot be settled yet", agreement_id=agreement.id, error=error.message)
        finally:
            self._under_way.discard(agreement.id)

    async def _settle(self, agreement: StoredAgreement) -> None:
        await self._activities.destroy_of_agreement(agreement.id, f"the agreement ended: {agreement.end_reason}")
        if pricing.priced(agreement.offer_properties) is not None:
            await self._ask_for_payment(agreement)
        await self._repository.settle(agreement.id, moments.now())

    async def _ask_for_payment(self, agreement: StoredAgreement) -> None:
        """Asks also for nothing: SDKs wait for an invoice whatever an agreement has cost."""
        activities = await self._activity_repository.of_agreement(agreement.id)
        amount = sum(
            (pricing.cost(agreement.offer_properties, activity.usage) for activity in activities), start=Decimal(0)
        )
        due = moments.now() + PAYMENT_TIME
        try:
            await self._payments.issue_invoice(agreement, [activity.id for activity in activities], amount, due)
        except Conflict:
            log.info("the invoice was written before the daemon was killed", agreement_id=agreement.id)
        except InvalidInput as error:
            # It was known before the agreement was made; nothing that happens later can cure it.
            log.error("an agreement cannot be invoiced", agreement_id=agreement.id, error=error.message)
        else:
            log.info("invoiced", agreement_id=agreement.id, amount=format(amount, "f"))
