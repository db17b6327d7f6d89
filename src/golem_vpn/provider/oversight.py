"""What the clock brings about while agreements are in force: debit notes, and ends."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

import anyio
import structlog

from golem_vpn import moments
from golem_vpn.errors import GolemVpnError, Gone
from golem_vpn.provider import pricing
from golem_vpn.provider.activities import ProviderActivities
from golem_vpn.provider.payments import Payments
from golem_vpn.provider.policy import Terms, terms_of
from golem_vpn.store.activities import ActivityRepository, StoredActivity
from golem_vpn.store.agreements import AgreementRepository, AgreementState, StoredAgreement

LONGEST_PAUSE = timedelta(seconds=5)
USAGE_INTERVAL = timedelta(seconds=30)
"""How much usage is forgotten at most if the daemon is killed."""

log = structlog.get_logger()


class Terminate(Protocol):
    """Ends an agreement on the provider's behalf."""

    def __call__(self, identity: str, agreement_id: str, reason: dict[str, Any]) -> Awaitable[None]: ...


class Oversight:
    """Watches the agreements in force."""

    def __init__(
        self,
        agreements: AgreementRepository,
        activities: ProviderActivities,
        activity_repository: ActivityRepository,
        payments: Payments,
        terminate: Terminate,
        idle_time: Callable[[], timedelta],
    ) -> None:
        self._agreements = agreements
        self._activities = activities
        self._activity_repository = activity_repository
        self._payments = payments
        self._terminate = terminate
        self._idle_time = idle_time
        self._usage_noted: datetime | None = None
        self._noted: dict[str, datetime] = {}
        """When the latest debit note of each live activity was due."""

    async def run(self) -> None:
        """Looks at all agreements whenever something may be due, for ever."""
        while True:
            pause = await self.look(moments.now())
            await anyio.sleep(pause.total_seconds())

    async def look(self, now: datetime) -> timedelta:
        """Does what is due, and tells how long nothing will be."""
        pause = LONGEST_PAUSE
        await self._note_usage(now)
        agreements = await self._agreements.in_state(AgreementState.APPROVED)
        for agreement in agreements:
            # Without prices it was made by direct hire, which knows neither an end nor money.
            if pricing.priced(agreement.offer_properties) is None:
                continue
            try:
                terms = terms_of(agreement.demand_properties, agreement.offer_properties)
                await self._look_at(agreement, terms, now)
            except GolemVpnError as error:
                log.warning("what is due cannot be done", agreement_id=agreement.id, error=error.message)
            else:
                pause = min(pause, max(terms.expires - now, timedelta(0))) if terms.expires else pause
        live = self._activities.live
        self._noted = {activity_id: at for activity_id, at in self._noted.items() if activity_id in live}
        return pause

    async def _look_at(self, agreement: StoredAgreement, terms: Terms, now: datetime) -> None:
        if terms.expires is not None and terms.expires <= now:
            await self._end(agreement, "Expired", "the time of the agreement is over")
            return
        activities = await self._activity_repository.of_agreement(agreement.id)
        idle_since = _idle_since(agreement, activities)
        if idle_since is not None and idle_since + self._idle_time() <= now:
            await self._end(agreement, "NoActivity", f"no activity for {self._idle_time()}")
            return
        if terms.debit_note_interval is not None:
            for activity in activities:
                await self._note(agreement, activity, terms.debit_note_interval, now)

    async def _end(self, agreement: StoredAgreement, code: str, message: str) -> None:
        log.info("ending an agreement", agreement_id=agreement.id, reason=message)
        try:
            await self._terminate(
                agreement.provider_id, agreement.id, {"message": message, "golem.provider.code": code}
            )
        except Gone:
            log.debug("the agreement has ended meanwhile", agreement_id=agreement.id)

    async def _note_usage(self, now: datetime) -> None:
        if self._usage_noted is not None and now < self._usage_noted + USAGE_INTERVAL:
            return
        self._usage_noted = now
        for activity_id, unit in self._activities.live.items():
            await self._activity_repository.note_usage(activity_id, unit.usage.counters)

    async def _note(
        self, agreement: StoredAgreement, activity: StoredActivity, interval: timedelta, now: datetime
    ) -> None:
        unit = self._activities.live.get(activity.id)
        if unit is None:
            return
        # Never sooner than the interval: requestors end agreements whose debit notes come too often.
        if now < self._noted.setdefault(activity.id, activity.created) + interval:
            return
        self._noted[activity.id] = now
        offer, counters = agreement.offer_properties, unit.usage.counters
        await self._payments.issue_debit_note(
            agreement, activity.id, pricing.cost(offer, counters), pricing.vector_of(offer, counters), None
        )


def _idle_since(agreement: StoredAgreement, activities: list[StoredActivity]) -> datetime | None:
    """Gives when the last activity ended, or the agreement began; nothing while an activity is live."""
    ends = [activity.ended for activity in activities if activity.ended is not None]
    if len(ends) < len(activities):
        return None
    return max(ends, default=agreement.approved or agreement.created)
