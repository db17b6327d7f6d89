"""The provider's answers to control messages: hire, activities, scripts, results.

Every message names an agreement or an activity; the sender must have proven to be the requestor behind it.
"""

import anyio
import structlog

from golem_vpn.activity.messages import (
    MAX_WAIT_SECONDS,
    ActivityState,
    ActivityUsage,
    AwaitNews,
    BatchEvents,
    BatchResults,
    CreateActivity,
    DestroyActivity,
    EventsPage,
    ExecuteScript,
    NewsPage,
    ResultsPage,
    RunningCommandList,
    RunningCommands,
)
from golem_vpn.bells import Bells
from golem_vpn.errors import Forbidden, Gone, InvalidInput
from golem_vpn.exeunit.exeunit import ExeUnit
from golem_vpn.exeunit.results import CommandResult
from golem_vpn.exeunit.state import State, StatePair
from golem_vpn.exeunit.status import ActivityStatus, Usage
from golem_vpn.market.agreements import AgreementService
from golem_vpn.market.messages import Hire, Hired
from golem_vpn.net.control import Control
from golem_vpn.provider.activities import ProviderActivities
from golem_vpn.provider.agreements import ProviderAgreements
from golem_vpn.store.activities import StoredActivity
from golem_vpn.store.agreements import AgreementState, Role, StoredAgreement

PAGE_BYTES = 600 * 1024
"""Together with the largest single entry, below what a control message can hold."""
MAX_BATCH_ID_LENGTH = 64

log = structlog.get_logger()


class ProviderService:
    """Serves the requestors that hired this node."""

    def __init__(
        self,
        control: Control,
        market: AgreementService,
        agreements: ProviderAgreements,
        activities: ProviderActivities,
    ) -> None:
        self._agreements = agreements
        self._activities = activities
        self._ended: dict[str, str] = {}
        """The agreements that have just ended, and why."""
        self._bells: Bells[None] = Bells()
        market.on_change(self._note_change)
        control.on(Hire)(self._hire)
        control.on(CreateActivity)(self._create)
        control.on(ExecuteScript)(self._execute)
        control.on(BatchResults)(self._results)
        control.on(BatchEvents)(self._events)
        control.on(AwaitNews)(self._news)
        control.on(RunningCommands)(self._running)
        control.on(ActivityState)(self._state)
        control.on(ActivityUsage)(self._usage)
        control.on(DestroyActivity)(self._destroy)

    async def open(self) -> None:
        """Settles what the last run of the daemon left."""
        await self._activities.open()

    async def run(self) -> None:
        """Runs activities until it is cancelled, and ends them then."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._end_activities)
            await self._activities.run()

    def _note_change(self, agreement: StoredAgreement) -> None:
        if agreement.role is Role.PROVIDER and agreement.state is AgreementState.TERMINATED:
            self._ended[agreement.id] = f"the agreement was terminated: {agreement.end_reason}"
            self._bells.ring(None)

    async def _end_activities(self) -> None:
        """Ends the activities of agreements that end."""
        async with anyio.create_task_group() as tasks:
            while True:
                bell = self._bells.listen(None)
                while self._ended:
                    tasks.start_soon(self._activities.destroy_of_agreement, *self._ended.popitem())
                await bell.wait()

    async def _hire(self, sender: str, message: Hire) -> Hired:
        hired = await self._agreements.hire(sender, message)
        log.info("hired", agreement_id=message.agreement_id, requestor_id=message.requestor_id)
        return hired

    async def _create(self, sender: str, message: CreateActivity) -> None:
        agreement = await self._agreements.live(sender, message.agreement_id)
        await self._activities.create(message.activity_id, agreement)
        try:
            await self._agreements.live(sender, message.agreement_id)
        except Gone as error:
            # Its end came in between, and took only those along that were there.
            await self._activities.destroy(message.activity_id, error.message)
            raise
        log.info("activity created", activity_id=message.activity_id, agreement_id=message.agreement_id)

    async def _execute(self, sender: str, message: ExecuteScript) -> None:
        if len(message.batch_id) > MAX_BATCH_ID_LENGTH:
            raise InvalidInput(f"a batch id has at most {MAX_BATCH_ID_LENGTH} characters")
        unit = await self._unit(sender, message.activity_id)
        unit.exec(message.batch_id, message.text)

    async def _results(self, sender: str, message: BatchResults) -> ResultsPage:
        unit = await self._unit(sender, message.activity_id)
        return _first_page(await unit.results(message.batch_id, max(0, message.first)))

    async def _events(self, sender: str, message: BatchEvents) -> EventsPage:
        unit = await self._unit(sender, message.activity_id)
        entries, complete = unit.events(message.batch_id, max(0, message.after), PAGE_BYTES)
        return EventsPage(entries, complete)

    async def _news(self, sender: str, message: AwaitNews) -> NewsPage:
        self._agreements.check_identity(sender, message.requestor_id)
        timeout = max(0.0, min(message.timeout, MAX_WAIT_SECONDS))
        return await self._activities.news.wait(message.requestor_id, message.feed_id, message.after, timeout)

    async def _running(self, sender: str, message: RunningCommands) -> RunningCommandList:
        unit = await self._unit(sender, message.activity_id)
        return RunningCommandList(unit.running())

    async def _state(self, sender: str, message: ActivityState) -> ActivityStatus:
        activity = await self._look_up(sender, message.activity_id)
        if isinstance(activity, ExeUnit):
            return activity.status
        return ActivityStatus(StatePair(State.TERMINATED), activity.end_reason or "")

    async def _usage(self, sender: str, message: ActivityUsage) -> Usage:
        activity = await self._look_up(sender, message.activity_id)
        if isinstance(activity, ExeUnit):
            return activity.usage
        return Usage(activity.usage, int((activity.ended or activity.created).timestamp()))

    async def _destroy(self, sender: str, message: DestroyActivity) -> Usage:
        await self._look_up(sender, message.activity_id)
        await self._activities.destroy(message.activity_id, "destroyed by the requestor")
        return await self._usage(sender, ActivityUsage(message.activity_id))

    async def _unit(self, sender: str, activity_id: str) -> ExeUnit:
        activity = await self._look_up(sender, activity_id)
        if not isinstance(activity, ExeUnit):
            raise Gone(f"the activity has ended: {activity.end_reason or ''}")
        return activity

    async def _look_up(self, sender: str, activity_id: str) -> ExeUnit | StoredActivity:
        """Gives the sender's activity: its unit where there is one still, else what is stored of it."""
        unit = self._activities.unit(activity_id)
        if unit is not None:
            self._agreements.check_identity(sender, unit.requestor)
            return unit
        stored = await self._activities.find(activity_id)
        await self._agreements.show(sender, stored.agreement_id)
        return stored


def refuse_to_provide(control: Control) -> None:
    """Answers requestors for a node that is no provider."""

    @control.on(Hire)
    async def _refuse(sender: str, message: Hire) -> Hired:
        raise Forbidden("this node is no provider; its daemon was started without --provider")


def _first_page(entries: list[CommandResult]) -> ResultsPage:
    """Takes as many entries as fit, one at least."""
    size, count = 0, 0
    for entry in entries:
        size += entry.size
        if count and size > PAGE_BYTES:
            break
        count += 1
    return ResultsPage(entries[:count], more=count < len(entries))
