"""Activities of this node's requestors: every call is a message to the provider.

The ids of activities and batches are made here, so a message can be sent again where its answer got lost. The end of an
activity is stored before the provider hears of it; a provider that is away hears of it when it is there again.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import anyio
import structlog

from golem_vpn.activity import messages
from golem_vpn.activity.events import EventReader
from golem_vpn.activity.news import News
from golem_vpn.activity.results import ResultsReader
from golem_vpn.errors import Forbidden, GolemVpnError, Gone, InvalidInput, NotFound, PeerUnreachable
from golem_vpn.exeunit.results import CommandResult
from golem_vpn.exeunit.script import parse_script
from golem_vpn.exeunit.state import State, StatePair
from golem_vpn.exeunit.status import USAGE_VECTOR, ActivityStatus, RunningCommand, Usage
from golem_vpn.market.agreements import AgreementService
from golem_vpn.net.control import Control
from golem_vpn.net.wire import Message
from golem_vpn.store.activities import ActivityRepository, StoredActivity
from golem_vpn.store.agreements import Role, StoredAgreement

MAX_SCRIPT_BYTES = 512 * 1024
ANSWER_SECONDS = 5.0
RETRY_SECONDS = 5.0
MAX_KNOWN = 10_000
TELL_FOR = timedelta(days=7)
"""How long a provider that is away is looked for; one that stays away longer has lost its activities anyway."""

T = TypeVar("T")

log = structlog.get_logger()


class ActivityService:
    """Creates, drives and ends activities at providers."""

    def __init__(self, control: Control, agreements: AgreementService, repository: ActivityRepository) -> None:
        self._control = control
        self._agreements = agreements
        self._repository = repository
        self._known: dict[str, tuple[StoredActivity, StoredAgreement]] = {}
        """Activities that have not ended. Of their agreements only what never changes is used."""
        self._ends = 0
        self._news = News(control)
        self._results = ResultsReader(control, self._news)

    @property
    def waiting(self) -> int:
        """Tells how many calls wait for results or events."""
        return self._news.waiting

    async def create(self, requestor: str, agreement_id: str) -> str:
        """Makes an activity under an agreement and gives its id.

        Raises:
            NotFound: there is no such agreement.
            Forbidden: the agreement is another identity's.
            Gone: the agreement has ended.
            Conflict: the provider has no room.
            PeerUnreachable: the provider cannot be reached.
        """
        agreement = await self._agreements.live(requestor, agreement_id)
        activity = StoredActivity(
            id=secrets.token_hex(16), role=Role.REQUESTOR, agreement_id=agreement.id, created=datetime.now(UTC)
        )
        await self._repository.add(activity)
        try:
            await self._ask(agreement, messages.CreateActivity(activity.id, agreement.id), type(None))
        except BaseException as error:
            # It may exist all the same, where only the answer got lost.
            with anyio.CancelScope(shield=True):
                reason = f"it could not be created: {error}"
                await self._repository.end(activity.id, at=datetime.now(UTC), reason=reason, told=False)
            raise
        return activity.id

    async def exec(self, requestor: str, activity_id: str, text: str) -> str:
        """Hands a script in and gives its batch id.

        Raises:
            InvalidInput: the text is no script.
            NotFound: there is no such activity.
            Forbidden: the activity is another identity's.
            Gone: the activity has ended.
            PeerUnreachable: the provider cannot be reached.
        """
        if len(text.encode()) > MAX_SCRIPT_BYTES:
            raise InvalidInput(f"a script has at most {MAX_SCRIPT_BYTES} bytes")
        parse_script(text)
        agreement = await self._live(requestor, activity_id)
        batch_id = secrets.token_hex(16)
        await self._ask(agreement, messages.ExecuteScript(activity_id, batch_id, text), type(None))
        return batch_id

    async def results(
        self,
        requestor: str,
        activity_id: str,
        batch_id: str,
        timeout: float = 5.0,
        max_items: int | None = None,
        command_index: int | None = None,
    ) -> list[CommandResult]:
        """Gives all results of a batch so far, once there is something new or the time is over.

        New is what no earlier call has given; with `command_index`, the result of that command.

        Raises:
            NotFound: there is no such activity or batch.
            Forbidden: the activity is another identity's.
            Gone: the activity has ended and its results are not kept.
        """
        agreement = await self._live(requestor, activity_id)
        batch = activity_id, batch_id
        entries = await self._results.read(requestor, agreement.provider_id, batch, timeout, command_index)
        return entries[:max_items]

    async def events(self, requestor: str, activity_id: str, batch_id: str, after: int = 0) -> EventReader:
        """Gives a reader of a batch's events after a certain one.

        Raises:
            NotFound: there is no such activity.
            Forbidden: the activity is another identity's.
            Gone: the activity has ended and its events are not kept.
        """
        agreement = await self._live(requestor, activity_id)
        batch = activity_id, batch_id
        return EventReader(self._control, self._news, requestor, agreement.provider_id, batch, after)

    async def running(self, requestor: str, activity_id: str) -> list[RunningCommand]:
        """Lists the command of each batch that runs at the moment.

        Raises:
            NotFound: there is no such activity.
            Forbidden: the activity is another identity's.
            Gone: the activity has ended.
            PeerUnreachable: the provider cannot be reached.
        """
        agreement = await self._live(requestor, activity_id)
        answer = await self._ask(agreement, messages.RunningCommands(activity_id), messages.RunningCommandList)
        return answer.commands

    async def live_ids(self, requestor: str) -> list[str]:
        """Lists the ids of a requestor's activities that have not ended, oldest first."""
        known = [await self._find_any(activity.id) for activity in await self._repository.live()]
        return [activity.id for activity, agreement in known if agreement.requestor_id == requestor]

    async def state(self, requestor: str, activity_id: str) -> ActivityStatus:
        """Tells where an activity stands; Unresponsive where its provider cannot be reached.

        Raises:
            NotFound: there is no such activity.
            Forbidden: it is another identity's.
        """
        activity, agreement = await self._find(requestor, activity_id)
        if activity.ended is not None:
            return ActivityStatus(StatePair(State.TERMINATED), activity.end_reason)
        try:
            return await self._ask(agreement, messages.ActivityState(activity_id), ActivityStatus)
        except PeerUnreachable as error:
            return ActivityStatus(StatePair(State.UNRESPONSIVE), error.message)

    async def usage(self, requestor: str, activity_id: str) -> Usage:
        """Tells what an activity has used, in the order of its agreement; the last known where it has ended.

        Raises:
            NotFound: there is no such activity.
            Forbidden: it is another identity's.
            PeerUnreachable: the provider cannot be reached.
        """
        activity, agreement = await self._find(requestor, activity_id)
        if activity.ended is not None:
            usage = Usage(activity.usage, int(activity.ended.timestamp()))
        else:
            usage = await self._ask(agreement, messages.ActivityUsage(activity_id), Usage)
        return usage.in_order_of(agreement.offer_properties.get("golem.com.usage.vector", USAGE_VECTOR))

    async def agreement(self, requestor: str, activity_id: str) -> StoredAgreement:
        """Gives the agreement that an activity is under.

        Raises:
            NotFound: there is no such activity.
            Forbidden: it is another identity's.
        """
        return (await self._find(requestor, activity_id))[1]

    async def destroy(self, requestor: str, activity_id: str) -> None:
        """Ends an activity, at once or as soon as the provider is there again; one that has ended stays so.

        Raises:
            NotFound: there is no such activity.
            Forbidden: it is another identity's.
        """
        activity, agreement = await self._find(requestor, activity_id)
        reason = "destroyed by the requestor"
        if await self._repository.end(activity.id, at=datetime.now(UTC), reason=reason, told=False):
            self._ends += 1
            self._known.pop(activity.id, None)
            self._results.forget(activity_id)
            await self._tell(activity, agreement)

    async def run(self) -> None:
        """Follows the news of providers, and tells them what they could not be told before, for ever."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._news.run)
            while True:
                await self._tell_untold()
                await anyio.sleep(RETRY_SECONDS)

    async def _tell_untold(self) -> None:
        async with anyio.create_task_group() as tasks:
            for activity in await self._repository.untold():
                tasks.start_soon(self._tell, activity, await self._agreements.find(activity.agreement_id))

    async def _find(self, requestor: str, activity_id: str) -> tuple[StoredActivity, StoredAgreement]:
        activity, agreement = await self._find_any(activity_id)
        if agreement.requestor_id != requestor:
            raise Forbidden("the activity is another identity's")
        return activity, agreement

    async def _find_any(self, activity_id: str) -> tuple[StoredActivity, StoredAgreement]:
        known, ends = self._known.get(activity_id), self._ends
        if known is None:
            activity = await self._repository.find(activity_id)
            if activity is None:
                raise NotFound(f"there is no activity {activity_id}")
            known = activity, await self._agreements.find(activity.agreement_id)
            if activity.ended is None and ends == self._ends:
                self._remember(*known)
        return known

    def _remember(self, activity: StoredActivity, agreement: StoredAgreement) -> None:
        self._known[activity.id] = activity, agreement
        if len(self._known) > MAX_KNOWN:
            del self._known[next(iter(self._known))]

    async def _live(self, requestor: str, activity_id: str) -> StoredAgreement:
        activity, agreement = await self._find(requestor, activity_id)
        if activity.ended is not None:
            raise Gone(f"the activity has ended: {activity.end_reason}")
        return agreement

    async def _ask(self, agreement: StoredAgreement, message: Message, answer_type: type[T]) -> T:
        """Sends a message that may be obeyed twice without harm, a second time where the first got no answer."""
        try:
            return await self._control.request(agreement.provider_id, message, answer_type, ANSWER_SECONDS)
        except PeerUnreachable:
            return await self._control.request(agreement.provider_id, message, answer_type, ANSWER_SECONDS)

    async def _tell(self, activity: StoredActivity, agreement: StoredAgreement) -> None:
        message = messages.DestroyActivity(activity.id)
        usage = None
        try:
            # The payload gets some seconds to end.
            usage = await self._control.request(agreement.provider_id, message, Usage, timeout=4 * ANSWER_SECONDS)
        except PeerUnreachable:
            if datetime.now(UTC) - (activity.ended or activity.created) < TELL_FOR:
                return
        except GolemVpnError as error:
            # Whatever the provider has against it, saying it again won't help.
            log.info("a provider did not destroy an activity", activity_id=activity.id, error=error.message)
        await self._repository.mark_told(activity.id, None if usage is None else usage.counters)
