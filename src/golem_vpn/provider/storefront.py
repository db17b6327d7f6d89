"""Publishes offers, and hands what requestors say to them to the negotiator.

A demand gets one proposal from each offer, ever; whoever wants a second agreement, or lost one, waits for a new one. So
offers are replaced by new ones whenever an agreement was made or has ended; the old ones, which nobody else sees then,
stay until negotiations about them are over.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import anyio
import structlog
from anyio.abc import TaskGroup

from golem_vpn import moments
from golem_vpn.bells import Bells
from golem_vpn.errors import GolemVpnError, Gone, NotFound
from golem_vpn.market.documents import AgreementEvent, MarketEvent, ProposalEvent, ProposalRejectedEvent
from golem_vpn.market.ids import new_subscription_id
from golem_vpn.market.service import MarketService
from golem_vpn.provider.advert import Advert
from golem_vpn.provider.negotiator import Negotiator
from golem_vpn.provider.owner import Owner
from golem_vpn.store.published_offers import PublishedOfferRepository

LOOK_SECONDS = 2.0
LEAST_SECONDS = 0.5
"""Agreements that end one after another don't have all offers replaced each time."""
GRACE = timedelta(minutes=2)
MAX_RETIRED = 16
POLL_SECONDS = 30.0
MAX_EVENTS = 32
AT_ONCE = 32
"""How many requestors are answered at a time."""

log = structlog.get_logger()

Adverts = Callable[[], Mapping[str, Advert]]
"""Gives what is to be offered now, by preset."""


@dataclass
class Stand:
    """A published offer."""

    offer_id: str
    preset: str
    advert: Advert
    closes: datetime | None = None
    """When it is withdrawn, of one that has been replaced."""


class Storefront:
    """Keeps one offer of each active preset published, as long as there is room for agreements."""

    def __init__(
        self,
        identity: str,
        market: MarketService,
        negotiator: Negotiator,
        owner: Owner,
        adverts: Adverts,
        published: PublishedOfferRepository,
    ) -> None:
        self._identity = identity
        self._market = market
        self._negotiator = negotiator
        self._owner = owner
        self._adverts = adverts
        self._published = published
        self._stands: dict[str, Stand] = {}
        self._outdated: set[str] = set()
        """The offers that are to be replaced although nothing about them has changed."""
        self._news = Bells[None]()
        self._hands = anyio.Semaphore(AT_ONCE)

    @property
    def offers(self) -> Mapping[str, str]:
        """The ids of the present offers, by preset."""
        return {stand.preset: stand.offer_id for stand in self._current()}

    def look(self) -> None:
        """Has the offers compared with what they should be, soon."""
        self._news.ring(None)

    def renew(self) -> None:
        """Replaces the offers, so that demands that have seen them get new proposals."""
        self._outdated.update(self._stands)
        self.look()

    async def run(self) -> None:
        """Publishes and listens, for ever."""
        async with anyio.create_task_group() as tasks:
            await self._take_over(tasks)
            while True:
                news = self._news.listen(None)
                await self._owner.reload()
                await self._tidy(tasks)
                with anyio.move_on_after(LOOK_SECONDS):
                    await news.wait()
                await anyio.sleep(LEAST_SECONDS)

    async def _take_over(self, tasks: TaskGroup) -> None:
        """Goes on with negotiations about the offers of the daemon's last run, which are replaced now."""
        known = {offer.offer_id: offer for offer in self._market.offers.list(self._identity)}
        for offer_id in await self._published.all():
            if offer_id not in known:
                await self._published.remove(offer_id)
                continue
            advert = Advert(known[offer_id].properties, known[offer_id].constraints)
            stand = Stand(offer_id, "", advert, closes=moments.now() + GRACE)
            self._stands[offer_id] = stand
            await self._market.offers.hide(self._identity, offer_id)
            tasks.start_soon(self._listen, stand, tasks)

    async def _tidy(self, tasks: TaskGroup) -> None:
        wanted = self._adverts() if await self._negotiator.is_open() else {}
        outdated, self._outdated = self._outdated, set()
        try:
            for stand in self._current():
                if wanted.get(stand.preset) != stand.advert or stand.offer_id in outdated:
                    await self._retire(stand)
            for preset in wanted.keys() - self.offers.keys():
                await self._publish(preset, wanted[preset], tasks)
            for stand in self._closing():
                await self._withdraw(stand)
        except GolemVpnError as error:
            log.warning("the offers are not as they should be", error=error.message)

    def _current(self) -> list[Stand]:
        return [stand for stand in self._stands.values() if stand.closes is None]

    def _closing(self) -> list[Stand]:
        """Gives the replaced offers whose time is over, or that are too many."""
        retired = [stand for stand in self._stands.values() if stand.closes is not None]
        now = moments.now()
        return [stand for stand in retired if (stand.closes or now) <= now] or retired[:-MAX_RETIRED]

    async def _retire(self, stand: Stand) -> None:
        stand.closes = moments.now() + GRACE
        with suppress(NotFound, Gone):
            await self._market.offers.hide(self._identity, stand.offer_id)

    async def _publish(self, preset: str, advert: Advert, tasks: TaskGroup) -> None:
        offer_id = new_subscription_id()
        # Noted first: should the daemon be killed in between, nobody would answer what was said to the offer.
        await self._published.add(offer_id)
        try:
            await self._market.offers.create(self._identity, advert.properties, advert.constraints, offer_id=offer_id)
        except GolemVpnError:
            await self._published.remove(offer_id)
            raise
        stand = self._stands[offer_id] = Stand(offer_id, preset, advert)
        tasks.start_soon(self._listen, stand, tasks)
        log.info("offering", preset=preset, offer_id=offer_id)

    async def _withdraw(self, stand: Stand) -> None:
        with suppress(NotFound, Gone):
            await self._market.offers.remove(self._identity, stand.offer_id)
        await self._forget(stand)

    async def _forget(self, stand: Stand) -> None:
        self._stands.pop(stand.offer_id, None)
        await self._published.remove(stand.offer_id)

    async def _listen(self, stand: Stand, tasks: TaskGroup) -> None:
        offers = self._market.offers
        while stand.offer_id in self._stands:
            try:
                events = await offers.events(
                    self._identity, stand.offer_id, timeout=POLL_SECONDS, max_events=MAX_EVENTS
                )
            except (NotFound, Gone):
                await self._forget(stand)
                self.look()
                return
            for event in events:
                await self._hands.acquire()
                tasks.start_soon(self._handle, stand, event)

    async def _handle(self, stand: Stand, event: MarketEvent) -> None:
        try:
            match event:
                case ProposalEvent():
                    await self._negotiator.answer(self._identity, stand.offer_id, event.proposal, stand.advert)
                case AgreementEvent():
                    await self._negotiator.decide(event.agreement.agreement_id)
                case ProposalRejectedEvent():
                    log.debug("a requestor does not want it", offer_id=stand.offer_id, reason=event.reason)
        except GolemVpnError as error:
            log.info("a requestor gets no answer", offer_id=stand.offer_id, reason=error.message)
        finally:
            self._hands.release()
