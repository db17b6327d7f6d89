"""This node's demands and offers, and the news that wait for their owners.

News that were handed out stay stored until their owner asks for more. So a daemon that is killed in between hands them
out again, and one that is not hands them out once.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from itertools import islice

import anyio

from golem_vpn import moments
from golem_vpn.bells import Bells
from golem_vpn.errors import Forbidden, NotFound, Overloaded
from golem_vpn.market.documents import MarketEvent, ProposalEvent, proposal_document
from golem_vpn.market.waiting import until
from golem_vpn.store.market import MarketRepository, StoredMarketEvent, StoredProposal, StoredSubscription
from golem_vpn.store.roles import Role

MAX_SUBSCRIPTIONS = 10_000
MAX_PROPOSALS = 1000
"""How many proposals there may be between a demand or offer and one other identity."""
MAX_WAITING = 1000
"""How many news may wait for an owner who does not ask."""
LIFETIME = timedelta(days=90)
MAX_IDLE = timedelta(hours=24)
"""How long a demand or offer stays whose owner asks for no news."""

News = tuple[StoredMarketEvent, StoredProposal]
"""A proposal that comes to be when it is handed out, with the event that tells of it."""
Inventor = Callable[["Subscription", int], Sequence[News]]
Resolver = Callable[[list[StoredMarketEvent]], Awaitable[list[MarketEvent]]]
"""Gives stored news as their owner sees them."""


class Subscription:
    """A demand or an offer with its news."""

    def __init__(self, stored: StoredSubscription) -> None:
        self.stored = stored
        self.waiting: deque[StoredMarketEvent] = deque()
        self.handed_out: list[int] = []
        """The places of the news that the owner has, and has not confirmed."""
        self.lock = anyio.Lock()
        self.last_asked = moments.now()

    @property
    def id(self) -> str:
        """The id of the demand or offer."""
        return self.stored.id

    @property
    def has_room(self) -> bool:
        """Whether more news may wait."""
        return len(self.waiting) < MAX_WAITING


class Subscriptions:
    """Finds demands or offers, whichever of the two it is for, and hands out their news."""

    def __init__(self, role: Role, repository: MarketRepository) -> None:
        self._role = role
        self._name = "demand" if role is Role.REQUESTOR else "offer"
        self._repository = repository
        self._all: dict[str, Subscription] = {}
        self._bells: Bells[str] = Bells()

    async def open(self) -> None:
        """Recalls what was there when the daemon ended."""
        for stored in await self._repository.subscriptions(self._role):
            self._all[stored.id] = Subscription(stored)
        for event in await self._repository.events():
            if event.subscription_id in self._all:
                self._all[event.subscription_id].waiting.append(event)

    def __iter__(self) -> Iterator[Subscription]:
        return iter(tuple(self._all.values()))

    async def add(self, stored: StoredSubscription) -> Subscription:
        """Stores a new demand or offer.

        Raises:
            Overloaded: there are too many.
        """
        if len(self._all) >= MAX_SUBSCRIPTIONS:
            raise Overloaded(f"this daemon keeps {MAX_SUBSCRIPTIONS} {self._name}s at most")
        await self._repository.add_subscription(stored)
        subscription = self._all[stored.id] = Subscription(stored)
        return subscription

    async def remove(self, subscription: Subscription) -> None:
        """Forgets a demand or offer; whoever waits for its news hears that it is gone."""
        async with subscription.lock:
            self._all.pop(subscription.id, None)
            await self._repository.remove_subscription(subscription.id)
        self.ring(subscription.id)

    def find(self, subscription_id: str) -> Subscription | None:
        """Finds a demand or offer, whosever it is."""
        return self._all.get(subscription_id)

    def own(self, identity: str, subscription_id: str) -> Subscription:
        """Gives a demand or offer of an identity.

        Raises:
            NotFound: there is none of that id.
            Forbidden: it is another identity's.
        """
        subscription = self._all.get(subscription_id)
        if subscription is None:
            raise NotFound(f"there is no {self._name} {subscription_id}")
        if subscription.stored.identity != identity:
            raise Forbidden(f"the {self._name} is another identity's")
        return subscription

    def idle(self) -> list[Subscription]:
        """Lists those whose owner has forgotten them, or whose time is over."""
        now = moments.now()
        return [
            subscription
            for subscription in self._all.values()
            if now - subscription.last_asked > MAX_IDLE or subscription.stored.expires < now
        ]

    def push(self, event: StoredMarketEvent) -> None:
        """Has stored news wait for their owner."""
        if (subscription := self._all.get(event.subscription_id)) is not None:
            subscription.waiting.append(event)
            self.ring(subscription.id)

    def ring(self, subscription_id: str) -> None:
        """Wakes whoever waits for news."""
        self._bells.ring(subscription_id)

    async def events(
        self,
        identity: str,
        subscription_id: str,
        timeout: float,
        max_events: int,
        resolve: Resolver,
        invent: Inventor = lambda _subscription, _room: (),
    ) -> list[MarketEvent]:
        """Hands out the next news, once there are some or the time is over.

        Where fewer wait than may be handed out, `invent` can make more.

        Raises:
            NotFound: there is no such demand or offer, or not any more.
            Forbidden: it is another identity's.
        """

        async def look() -> list[MarketEvent]:
            subscription = self.own(identity, subscription_id)
            subscription.last_asked = moments.now()
            async with subscription.lock:
                return await self._take(self.own(identity, subscription_id), max_events, resolve, invent)

        return await until(look, lambda: self._bells.listen(subscription_id), timeout) or []

    async def _take(
        self, subscription: Subscription, max_events: int, resolve: Resolver, invent: Inventor
    ) -> list[MarketEvent]:
        waiting = list(islice(subscription.waiting, max_events))
        events = await resolve(waiting) if waiting else []
        news = invent(subscription, max_events - len(waiting))
        places: list[int] = []
        if subscription.handed_out or news:
            proposals, fresh = [proposal for _, proposal in news], [event for event, _ in news]
            with anyio.CancelScope(shield=True):
                places = await self._repository.add_proposals(proposals, fresh, subscription.handed_out)
        # From here on nothing is waited for: a caller who goes away has either got the news or left them waiting.
        for _ in waiting:
            subscription.waiting.popleft()
        subscription.handed_out = [event.position for event in waiting] + places
        return [*events, *(ProposalEvent(event_date=one.date, proposal=proposal_document(it)) for one, it in news)]
