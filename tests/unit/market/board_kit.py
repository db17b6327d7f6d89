"""Nodes with boards, in one process."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import anyio

from golem_vpn import moments
from golem_vpn.market.board import OfferBoard
from golem_vpn.market.signed_offer import KnownOffer, Offer, sign_offer
from golem_vpn.net.identity import Identity
from tests.unit.net.kit import Station


def make_offer(provider_id: str, *, seconds: float = 3600, id: str = "", **properties: Any) -> Offer:
    """Makes an offer that is good for some time."""
    now = moments.now()
    return Offer(id or secrets.token_hex(16), provider_id, properties, "()", now, now + timedelta(seconds=seconds))


def make_signed(provider: Identity, **options: Any) -> KnownOffer:
    """Makes an offer as its provider signs it."""
    return sign_offer(make_offer(provider.node_id, **options), provider)


@dataclass
class Follower:
    """A board, and what its listener heard."""

    station: Station
    board: OfferBoard
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def hear(self, added: Sequence[Offer], removed: Sequence[str]) -> None:
        """Notes what came and what went."""
        self.added += [offer.id for offer in added]
        self.removed += removed

    async def publish(self, **options: Any) -> Offer:
        """Publishes an offer of the node."""
        offer = make_offer(self.station.id, **options)
        await self.board.publish(offer)
        return offer

    def knows(self, *offers: Offer) -> bool:
        """Tells whether these are the offers on the board."""
        return dict(self.board.offers) == {offer.id: offer for offer in offers}


@asynccontextmanager
async def boards(*stations: Station, follow: bool = True) -> AsyncIterator[list[Follower]]:
    """Runs a board on each of some nodes."""
    async with anyio.create_task_group() as tasks:
        followers = []
        for station in stations:
            board = OfferBoard(station.node.control, station.node.directory, station.node.hub)
            followers.append(follower := Follower(station, board))
            board.on_change(follower.hear)
            if follow:
                board.follow()
            tasks.start_soon(board.run)
        yield followers
        tasks.cancel_scope.cancel()
