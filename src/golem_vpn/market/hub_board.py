"""The board of a hub: its members bring their offers, and those who follow it are told of every change."""

import secrets
from datetime import datetime, timedelta

import anyio
import structlog

from golem_vpn import moments
from golem_vpn.errors import Forbidden, GolemVpnError
from golem_vpn.market.board_messages import FollowOffers, ListOwnOffers, OffersChanged, OffersPage, PublishOffers
from golem_vpn.market.offer_log import OfferLog, Position
from golem_vpn.market.signed_offer import open_offer
from golem_vpn.net.control import Control
from golem_vpn.net.hub import Hub

TICK_SECONDS = 1.0
ABSENCE = timedelta(seconds=30)
"""How long the offers of a member stay when its connection is lost."""
MAX_TELLING_AT_ONCE = 32
TELL_TIMEOUT = 5.0

_log = structlog.get_logger(__name__)


class HubBoard:
    """Answers the members, and tells the followers."""

    def __init__(self, control: Control, hub: Hub) -> None:
        self._control = control
        self._hub = hub
        self._offers = OfferLog(secrets.token_bytes(16))
        self._told: dict[str, Position] = {}
        """The followers, and up to where each was told."""
        self._telling: set[str] = set()
        self._away_since: dict[str, datetime] = {}
        self._work = anyio.Event()
        control.on(ListOwnOffers)(self._list_own)
        control.on(PublishOffers)(self._publish)
        control.on(FollowOffers)(self._follow)
        control.on_presence(self._on_presence)

    async def run(self) -> None:
        """Takes down what is over, and tells followers what changed."""
        limiter = anyio.CapacityLimiter(MAX_TELLING_AT_ONCE)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keep_taking_down)
            while True:
                await self._work.wait()
                self._work = anyio.Event()
                for follower in self._told.keys() - self._telling:
                    if self._told[follower] != self._offers.position:
                        self._telling.add(follower)
                        tasks.start_soon(self._tell, follower, limiter)

    async def _list_own(self, sender: str, message: ListOwnOffers) -> list[str]:
        self._check_member(sender)
        listed, present = set(message.ids), self._offers.of_member(sender)
        self._offers.drop(present - listed)
        self._work.set()
        return [offer_id for offer_id in message.ids if offer_id not in present]

    async def _publish(self, sender: str, message: PublishOffers) -> None:
        self._check_member(sender)
        try:
            for signed in message.offers:
                known = open_offer(signed)
                if not self._control.proves(sender, known.offer.provider_id):
                    raise Forbidden("an offer is published by the node that has its provider's identity")
                if known.offer.expires > moments.now():
                    self._offers.put(sender, known)
                await anyio.lowlevel.checkpoint()
        finally:
            self._work.set()

    async def _follow(self, sender: str, message: FollowOffers) -> OffersPage:
        self._check_member(sender)
        page = self._offers.page(Position(message.epoch, message.after))
        if page.complete:
            self._told[sender] = Position(page.epoch, page.until)
        return page

    def _check_member(self, sender: str) -> None:
        if not self._hub.has_member(sender):
            raise Forbidden("only members of this hub see its board; join it with a ticket first")

    def _on_presence(self, node_id: str, connected: bool) -> None:
        if connected:
            self._away_since.pop(node_id, None)
        elif self._hub.has_member(node_id):
            self._away_since[node_id] = moments.now()
            self._told.pop(node_id, None)

    async def _keep_taking_down(self) -> None:
        while True:
            self._take_down(moments.now())
            self._work.set()
            await anyio.sleep(TICK_SECONDS)

    def _take_down(self, now: datetime) -> None:
        self._offers.drop_expired(now)
        for member in [member for member, since in self._away_since.items() if since + ABSENCE <= now]:
            del self._away_since[member]
            self._offers.drop(self._offers.of_member(member))

    async def _tell(self, follower: str, limiter: anyio.CapacityLimiter) -> None:
        try:
            async with limiter:
                while (told := self._told.get(follower)) is not None and told != self._offers.position:
                    page = self._offers.page(told)
                    await self._control.request(follower, OffersChanged(page), type(None), TELL_TIMEOUT)
                    if self._told.get(follower) == told:
                        self._told[follower] = Position(page.epoch, page.until)
        except GolemVpnError as error:
            # It asks again by itself from time to time.
            self._told.pop(follower, None)
            _log.info("board.change_not_told", node=follower, error=error.message)
        finally:
            self._telling.discard(follower)
