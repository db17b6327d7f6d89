"""Keeps one hub and this node in agreement about offers: the own ones there, and those of others here."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import anyio
import structlog

from golem_vpn import moments
from golem_vpn.errors import GolemVpnError
from golem_vpn.market.board_messages import FollowOffers, ListOwnOffers, OffersPage, PublishOffers
from golem_vpn.market.followed_board import Changes, FollowedBoard
from golem_vpn.market.signed_offer import KnownOffer, SignedOffer
from golem_vpn.net.backoff import Backoff
from golem_vpn.net.control import Control
from golem_vpn.net.wire import Message

RECONCILE_SECONDS = 30.0
"""How often both sides are compared where nothing seems to have changed."""
HUB_TIMEOUT = 5.0
BATCH_BYTES = 512 * 1024

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class HubLink:
    """Tells a hub of own offers, and asks it for the others."""

    def __init__(
        self,
        control: Control,
        hub_id: str,
        own: Mapping[str, KnownOffer],
        on_change: Callable[[str, Changes], None],
    ) -> None:
        self.hub_id = hub_id
        self.board = FollowedBoard()
        self._control = control
        self._own = own
        self._on_change = on_change
        self._follows = False
        self._news = anyio.Event()

    def follow(self) -> None:
        """Asks for the offers of others, too, from now on."""
        self._follows = True
        self.wake()

    def wake(self) -> None:
        """Has both sides compared now."""
        self._news.set()

    def take(self, page: OffersPage) -> None:
        """Takes in what the hub tells by itself."""
        if self.board.continues(page):
            self._on_change(self.hub_id, self.board.apply(page, moments.now()))
        else:
            self.wake()

    async def run(self) -> None:
        """Compares both sides whenever there is news, and from time to time."""
        backoff = Backoff()
        while True:
            self._news = anyio.Event()
            done = [await self._try(self._publish), await self._try(self._catch_up)]
            if all(done):
                backoff.reset()
                with anyio.move_on_after(RECONCILE_SECONDS):
                    await self._news.wait()
            else:
                await backoff.pause(self._news)

    async def _try(self, step: Callable[[], Awaitable[None]]) -> bool:
        try:
            await step()
        except GolemVpnError as error:
            _log.info("board.hub_not_in_agreement", hub=self.hub_id, error=error.message)
            return False
        return True

    async def _publish(self) -> None:
        lacking = await self._ask(ListOwnOffers(tuple(self._own)), list[str])
        batch: list[SignedOffer] = []
        for known in [self._own[offer_id] for offer_id in lacking if offer_id in self._own]:
            if batch and sum(len(signed.body) for signed in batch) + len(known.signed.body) > BATCH_BYTES:
                await self._ask(PublishOffers(tuple(batch)), type(None))
                batch = []
            batch.append(known.signed)
        if batch:
            await self._ask(PublishOffers(tuple(batch)), type(None))

    async def _catch_up(self) -> None:
        complete = not self._follows
        while not complete:
            page = await self._ask(FollowOffers(self.board.epoch, self.board.until), OffersPage)
            if not self.board.continues(page):
                # What the hub told by itself was faster than its answer.
                continue
            self._on_change(self.hub_id, self.board.apply(page, moments.now()))
            complete = page.complete

    async def _ask(self, message: Message, answer_type: type[T]) -> T:
        # Searching for the hub is the directory's business.
        return await self._control.request(self.hub_id, message, answer_type, HUB_TIMEOUT, search=False)
