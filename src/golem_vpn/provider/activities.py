"""The activities that run on this node, and what is remembered of those that ran."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import structlog

from golem_vpn.errors import Conflict, Gone, InvalidInput, NotFound, RuntimeUnavailable
from golem_vpn.exeunit.deployment import Place
from golem_vpn.exeunit.exeunit import ExeUnit
from golem_vpn.exeunit.networks import Networks
from golem_vpn.exeunit.packages import PackageSource
from golem_vpn.exeunit.runtimes.base import Runtime
from golem_vpn.exeunit.status import ActivityStatus
from golem_vpn.exeunit.transfers import Carrier
from golem_vpn.provider.news import NewsFeeds
from golem_vpn.provider.offer import limits_of, task_package_of
from golem_vpn.store.activities import ActivityRepository, StoredActivity
from golem_vpn.store.agreements import Role, StoredAgreement
from golem_vpn.trees import remove_tree

MAX_ENDED_KEPT = 64
"""How many ended activities still show the results of their batches."""
RESTARTED = "the provider's daemon restarted"
SHUTTING_DOWN = "the provider's daemon is shutting down"

_ACTIVITY_ID = re.compile(r"[0-9a-f]{32}")

log = structlog.get_logger()


@dataclass(frozen=True)
class Means:
    """What activities are made with."""

    make_runtime: Callable[[], Runtime]
    networks: Networks
    packages: PackageSource
    carrier: Carrier
    work_root: Path
    """Has a directory for each activity."""
    hidden: tuple[Path, ...]
    """What no payload may see."""


class ProviderActivities:
    """Makes, finds and ends ExeUnits."""

    def __init__(self, repository: ActivityRepository, means: Means, maximum: int) -> None:
        self._repository = repository
        self._means = means
        self._maximum = maximum
        self.news = NewsFeeds()
        """What requestors wait for."""
        self._units: dict[str, ExeUnit] = {}
        self._tasks: anyio.abc.TaskGroup | None = None
        self._creating = anyio.Lock()

    async def open(self) -> None:
        """Notes the end of what ran when the daemon was last killed, and removes its directories."""
        count = await self._repository.end_all(at=datetime.now(UTC), reason=RESTARTED)
        if count:
            log.info("activities ended with the last run of the daemon", count=count)
        await remove_tree(self._means.work_root)

    async def run(self) -> None:
        """Gives activities the tasks to run in; being cancelled ends them all."""
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                try:
                    await anyio.sleep_forever()
                finally:
                    self._tasks = None
        finally:
            with anyio.CancelScope(shield=True):
                await self._destroy_all(list(self._units), SHUTTING_DOWN)

    async def create(self, activity_id: str, agreement: StoredAgreement) -> None:
        """Makes an activity; one that is there already, again.

        Raises:
            InvalidInput: the id is malformed.
            Gone: that activity has ended.
            Conflict: as many are running as may be.
            RuntimeUnavailable: the daemon is shutting down.
        """
        # The id names a directory.
        if not _ACTIVITY_ID.fullmatch(activity_id):
            raise InvalidInput("an activity id has 32 hex digits")
        async with self._creating:
            if activity_id in self._units:
                return
            if await self._repository.find(activity_id) is not None:
                raise Gone("that activity has ended")
            if len(self.live) >= self._maximum:
                raise Conflict(f"this provider runs {self._maximum} activities already")
            await self._add(activity_id, agreement)

    def unit(self, activity_id: str) -> ExeUnit | None:
        """Gives the ExeUnit of an activity that runs, or has ended lately."""
        return self._units.get(activity_id)

    @property
    def live(self) -> Mapping[str, ExeUnit]:
        """The activities that have not ended, by id."""
        return {activity_id: unit for activity_id, unit in self._units.items() if unit.is_live}

    async def find(self, activity_id: str) -> StoredActivity:
        """Gives what is stored of an activity.

        Raises:
            NotFound: there is none of that id.
        """
        activity = await self._repository.find(activity_id)
        if activity is None:
            raise NotFound(f"this provider has no activity {activity_id}")
        return activity

    async def destroy(self, activity_id: str, reason: str) -> None:
        """Ends an activity that may have ended before."""
        unit = self._units.get(activity_id)
        if unit is not None:
            await unit.destroy(reason)

    async def destroy_of_agreement(self, agreement_id: str, reason: str) -> None:
        """Ends all activities of an agreement."""
        activities = await self._repository.of_agreement(agreement_id)
        await self._destroy_all([activity.id for activity in activities], reason)

    async def _destroy_all(self, activity_ids: list[str], reason: str) -> None:
        async with anyio.create_task_group() as tasks:
            for activity_id in activity_ids:
                tasks.start_soon(self.destroy, activity_id, reason)

    async def _add(self, activity_id: str, agreement: StoredAgreement) -> None:
        tasks = self._tasks
        if tasks is None:
            raise RuntimeUnavailable(SHUTTING_DOWN)
        place = Place(
            activity_id=activity_id,
            requestor=agreement.requestor_id,
            work_dir=self._means.work_root / activity_id,
            task_package=task_package_of(agreement.demand_properties),
            limits=limits_of(agreement.demand_properties, _promised(agreement)),
            hidden=self._means.hidden,
        )
        activity = StoredActivity(
            id=activity_id, role=Role.PROVIDER, agreement_id=agreement.id, created=datetime.now(UTC)
        )
        await self._repository.add(activity)
        on_end = partial(self._note_end, activity_id)
        on_news = partial(self.news.note, agreement.requestor_id, activity_id)
        self._units[activity_id] = ExeUnit(
            place,
            self._means.make_runtime,
            self._means.networks,
            self._means.packages,
            self._means.carrier,
            tasks,
            on_end,
            on_news,
        )

    async def _note_end(self, activity_id: str, status: ActivityStatus) -> None:
        unit = self._units[activity_id]
        reason = status.reason or ""
        await self._repository.end(activity_id, at=datetime.now(UTC), reason=reason, usage=unit.usage.counters)
        log.info("an activity ended", activity_id=activity_id, reason=reason)
        ended = [identifier for identifier, unit in self._units.items() if not unit.is_live]
        for identifier in ended[:-MAX_ENDED_KEPT]:
            del self._units[identifier]


def _promised(agreement: StoredAgreement) -> dict[str, Any]:
    """Gives what the offer says payloads may use; who hires directly is promised nothing, and held to nothing."""
    return {} if agreement.proposal_id is None else agreement.offer_properties
