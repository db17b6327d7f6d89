"""What happened to invoices and debit notes, in the order in which it happened.

Every change is one transaction. The dates of its events are taken within it, so that an event with a later date never
shows before one with an earlier: whoever asks for what came after the newest date seen misses nothing.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar

import anyio
import msgspec

from golem_vpn.bells import Bells
from golem_vpn.moments import RisingClock
from golem_vpn.payment import states
from golem_vpn.store.agreements import Role
from golem_vpn.store.payment import (
    Document,
    DocumentState,
    Event,
    Kind,
    Order,
    Payment,
    PaymentRepository,
    Records,
    Step,
)

T = TypeVar("T")

PAYMENTS = "Payment"
OUTBOX = ("", "outbox")
"""Rings when there is something to tell another node."""
ORDERS = ("", "orders")
"""Rings when there is something to pay."""

Subject = tuple[str, str]
"""An identity, and what it may wait for."""


class EventQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which events are asked for."""

    owner_id: str
    kind: Kind
    steps: Mapping[Role, Sequence[Step]]
    after: datetime | None = None
    limit: int | None = None
    app_session_id: str | None = None


class Entry:
    """One change of the journal, while it is made."""

    def __init__(self, records: Records, clock: RisingClock) -> None:
        self.records = records
        self.bells: set[Subject] = set()
        """Those to ring once the change is stored."""
        self._clock = clock

    def now(self) -> datetime:
        """Gives a date that nothing else in the journal has."""
        return self._clock.next()

    async def step(self, document: Document, step: Step, **changes: Any) -> Document:
        """Takes a document a step further, which makes an event; a step that was taken before changes nothing.

        Raises:
            Conflict: the step is not possible from where the document stands.
        """
        state = states.after(document, step)
        if state is document.state:
            return document
        changed = await self.records.put(msgspec.structs.replace(document, state=state, **changes))
        await self.note(changed, step)
        return changed

    async def note(self, document: Document, step: Step) -> None:
        """Makes the event of a step."""
        await self.records.put(
            Event(
                created=self.now(),
                owner_id=document.owner_id,
                role=document.role,
                kind=document.kind,
                document_id=document.id,
                step=step,
                rejection=document.rejection if step is Step.REJECT else None,
                app_session_id=document.app_session_id,
            )
        )
        self.bells.add((document.owner_id, document.kind))


class Journal:
    """Makes changes, and gives those who wait what happened."""

    def __init__(self, repository: PaymentRepository) -> None:
        self.reading = repository.reading
        self.untold = repository.untold
        self._repository = repository
        self._bells: Bells[Subject] = Bells()
        self._clock = RisingClock()

    async def open(self) -> None:
        """Goes on after the newest date that was given."""
        async with self.reading() as records:
            newest = (
                await records.newest(Event),
                await records.newest(Document),
                await records.newest(Payment),
                await records.newest(Order),
            )
        self._clock = RisingClock(max((record.created for record in newest if record is not None), default=None))

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Entry]:
        """Gives an entry; leaving stores it and wakes who waits for it, an error undoes it."""
        async with self._repository.writing() as records:
            entry = Entry(records, self._clock)
            yield entry
        for subject in entry.bells:
            self._bells.ring(subject)

    async def prune(self, before: datetime) -> None:
        """Forgets what ended before a date; payments are kept for ever."""
        ended = (DocumentState.SETTLED, DocumentState.CANCELLED, DocumentState.REJECTED, DocumentState.FAILED)
        async with self.writing() as entry:
            await entry.records.forget(Event, before=before)
            await entry.records.forget(Document, before=before, state=ended, told=True)
            await entry.records.forget(Order, before=before, done=True)
            await entry.records.forget_idle_tallies()

    async def events(self, query: EventQuery, timeout: float) -> list[Event]:
        """Gives events, oldest first, once there are some or the time is over."""

        async def look() -> list[Event]:
            async with self.reading() as records:
                found = [await _events_of(records, query, role) for role in query.steps]
            merged = sorted(chain.from_iterable(found), key=lambda event: event.created)
            return merged[: query.limit]

        return await self.wait_for((query.owner_id, query.kind), timeout, look)

    async def wait_for(self, subject: Subject, timeout: float, look: Callable[[], Awaitable[list[T]]]) -> list[T]:
        """Looks until there is something, again at each ring, or until the time is over."""
        bell = self._bells.listen(subject)
        found = await look()
        with anyio.move_on_after(timeout):
            while not found:
                await bell.wait()
                bell = self._bells.listen(subject)
                found = await look()
        return found

    def listen(self, subject: Subject) -> anyio.Event:
        """Gives the event that the next ring sets."""
        return self._bells.listen(subject)

    def ring(self, subject: Subject) -> None:
        """Wakes those who wait."""
        self._bells.ring(subject)


async def _events_of(records: Records, query: EventQuery, role: Role) -> list[Event]:
    session = {} if query.app_session_id is None else {"app_session_id": query.app_session_id}
    return await records.list(
        Event,
        after=query.after,
        limit=query.limit,
        owner_id=query.owner_id,
        kind=query.kind,
        role=role,
        step=tuple(query.steps[role]),
        **session,
    )
