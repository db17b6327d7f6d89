"""The offers that this node knows: its own, and once it follows them, those on the boards of its hubs."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

import anyio

from golem_vpn import moments
from golem_vpn.errors import Conflict, Forbidden, InvalidInput, Overloaded
from golem_vpn.market.board_messages import OffersChanged
from golem_vpn.market.followed_board import Changes
from golem_vpn.market.hub_board import HubBoard
from golem_vpn.market.hub_link import HubLink
from golem_vpn.market.offer_log import MAX_MEMBER_OFFERS
from golem_vpn.market.signed_offer import KnownOffer, Offer, sign_offer
from golem_vpn.net.control import Control
from golem_vpn.net.directory import Directory
from golem_vpn.net.hub import Hub

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

__all__ = ["Offer", "OfferBoard"]

TICK_SECONDS = 1.0
OWN = ""
"""Stands for this node among the hubs."""

ChangeListener = Callable[[Sequence[Offer], Sequence[str]], None]


class OfferBoard:
    """Publishes own offers on all hubs, and merges what is on their boards."""

    def __init__(self, control: Control, directory: Directory, hub: Hub | None) -> None:
        self._control = control
        self._directory = directory
        self._hub_board = HubBoard(control, hub) if hub is not None else None
        self._follows = False
        self._own: dict[str, KnownOffer] = {}
        self._offers: dict[str, Offer] = {}
        self._known_from: dict[str, set[str]] = {}
        self._links: dict[str, tuple[HubLink, anyio.CancelScope]] = {}
        self._listeners: list[ChangeListener] = []
        self._work = anyio.Event()
        control.on(OffersChanged)(self._offers_changed)
        directory.on_attached(self._compare)

    @property
    def offers(self) -> Mapping[str, Offer]:
        """All offers that are known and valid, own ones included, by id."""
        return MappingProxyType(self._offers)

    def is_following(self, hub_id: str) -> bool:
        """Tells whether the board of a hub counts here."""
        return hub_id in self._links

    def follow(self) -> None:
        """Has the offers on the hubs' boards come in from now on; until then only own ones are known."""
        if not self._follows:
            self._follows = True
            for link, _ in self._links.values():
                link.follow()

    def on_change(self, listener: ChangeListener) -> None:
        """Adds a listener that hears which offers came, and the ids of those that went."""
        self._listeners.append(listener)

    async def publish(self, offer: Offer) -> None:
        """Signs an offer of this node, and has it on all hubs until it is withdrawn or expires.

        Raises:
            InvalidInput: it is not as an offer must be, no identity of this node makes it, or it has expired.
            Conflict: there is another offer of that id.
            Overloaded: this node has as many offers as a hub takes.
        """
        provider = self._control.identities.find(offer.provider_id)
        if provider is None:
            raise InvalidInput(f"{offer.provider_id} is no identity of this node")
        if offer.expires <= moments.now():
            raise InvalidInput("the offer has expired already")
        known = sign_offer(offer, provider)
        if self._offers.get(offer.id, offer) != offer:
            raise Conflict(f"there is another offer {offer.id} already")
        if offer.id not in self._own and len(self._own) >= MAX_MEMBER_OFFERS:
            raise Overloaded(f"a node has at most {MAX_MEMBER_OFFERS} offers")
        self._own[offer.id] = known
        self._merge(OWN, Changes([known], []))
        self._compare()

    async def withdraw(self, offer_id: str) -> None:
        """Takes an own offer off all hubs; one that is not there stays away."""
        if self._own.pop(offer_id, None) is not None:
            self._merge(OWN, Changes([], [offer_id]))
            self._compare()

    async def run(self) -> None:
        """Keeps this node and all its hubs in agreement, and drops what is over."""
        async with anyio.create_task_group() as tasks:
            if self._hub_board is not None:
                tasks.start_soon(self._hub_board.run)
            tasks.start_soon(self._keep_dropping_outdated)
            while True:
                self._work = anyio.Event()
                self._follow_hubs(tasks)
                with anyio.move_on_after(TICK_SECONDS):
                    await self._work.wait()

    def _follow_hubs(self, tasks: "TaskGroup") -> None:
        hubs = self._directory.hubs
        for hub_id in self._links.keys() - set(hubs):
            link, scope = self._links.pop(hub_id)
            scope.cancel()
            self._merge(hub_id, Changes([], link.board.drop_all()))
        for hub_id in hubs:
            if hub_id not in self._links:
                link = HubLink(self._control, hub_id, self._own, self._merge)
                if self._follows:
                    link.follow()
                self._links[hub_id] = link, anyio.CancelScope()
                tasks.start_soon(self._run_link, *self._links[hub_id])

    @staticmethod
    async def _run_link(link: HubLink, scope: anyio.CancelScope) -> None:
        with scope:
            await link.run()

    async def _keep_dropping_outdated(self) -> None:
        while True:
            self._drop_outdated(moments.now())
            await anyio.sleep(TICK_SECONDS)

    def _drop_outdated(self, now: datetime) -> None:
        expired = [offer_id for offer_id, known in self._own.items() if known.offer.expires <= now]
        for offer_id in expired:
            del self._own[offer_id]
        self._merge(OWN, Changes([], expired))
        for link, _ in self._links.values():
            self._merge(link.hub_id, Changes([], link.board.drop_outdated(now)))

    def _compare(self) -> None:
        self._work.set()
        for link, _ in self._links.values():
            link.wake()

    async def _offers_changed(self, sender: str, message: OffersChanged) -> None:
        if sender not in self._links:
            raise Forbidden("this node does not follow the sender's board")
        self._links[sender][0].take(message.page)

    def _merge(self, source: str, changes: Changes) -> None:
        added = [known.offer for known in changes.added if self._add(source, known.offer)]
        removed = [offer_id for offer_id in changes.removed if self._remove(source, offer_id)]
        if added or removed:
            for listener in tuple(self._listeners):
                listener(added, removed)

    def _add(self, source: str, offer: Offer) -> bool:
        """Notes that an offer is known from somewhere; tells whether it is new."""
        if source != OWN and offer.provider_id in self._control.identities:
            # A hub may not have heard yet that it was withdrawn.
            return False
        present = self._offers.get(offer.id)
        if present is not None and present != offer:
            return False
        self._offers[offer.id] = offer
        self._known_from.setdefault(offer.id, set()).add(source)
        return present is None

    def _remove(self, source: str, offer_id: str) -> bool:
        """Notes that an offer is not known from somewhere any more; tells whether it is gone."""
        sources = self._known_from.get(offer_id, set())
        if source not in sources:
            return False
        sources.remove(source)
        if sources:
            return False
        del self._offers[offer_id], self._known_from[offer_id]
        return True
