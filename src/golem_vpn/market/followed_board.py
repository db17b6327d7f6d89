"""What a member knows of the board of one hub."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import structlog

from golem_vpn.errors import InvalidInput
from golem_vpn.market.board_messages import OffersPage
from golem_vpn.market.offer_log import MAX_OFFERS
from golem_vpn.market.signed_offer import KnownOffer, SignedOffer, open_offer

PATIENCE = timedelta(seconds=30)
"""How long an offer is kept that a restarted hub does not list yet: its provider has to find the hub again, too."""

_log = structlog.get_logger(__name__)


class Changes(NamedTuple):
    """What came and what went."""

    added: list[KnownOffer]
    removed: list[str]


class FollowedBoard:
    """The offers of a hub's board, as the pages tell of them."""

    def __init__(self) -> None:
        self.epoch = b""
        self.until = 0
        self._offers: dict[str, KnownOffer] = {}
        self._unconfirmed: set[str] = set()
        self._unconfirmed_since = datetime.min.replace(tzinfo=UTC)

    def continues(self, page: OffersPage) -> bool:
        """Tells whether a page follows what is known."""
        return page.after == 0 or (page.epoch == self.epoch and page.after == self.until)

    def apply(self, page: OffersPage, now: datetime) -> Changes:
        """Takes in a page that follows what is known."""
        if page.after == 0:
            self._unconfirmed = set(self._offers)
            self._unconfirmed_since = now
        self.epoch, self.until = page.epoch, page.until
        removed = self._remove(page.removed)
        return Changes([known for signed in page.added if (known := self._add(signed)) is not None], removed)

    def drop_outdated(self, now: datetime) -> list[str]:
        """Forgets what has expired, and what the hub did not list again in time."""
        outdated = {offer_id for offer_id, known in self._offers.items() if known.offer.expires <= now}
        if self._unconfirmed and self._unconfirmed_since + PATIENCE <= now:
            outdated |= self._unconfirmed
        return self._remove(outdated)

    def drop_all(self) -> list[str]:
        """Forgets everything."""
        return self._remove(tuple(self._offers))

    def _add(self, signed: SignedOffer) -> KnownOffer | None:
        try:
            known = open_offer(signed)
        except InvalidInput as error:
            _log.warning("board.offer_is_bad", error=error.message)
            return None
        self._unconfirmed.discard(known.offer.id)
        present = self._offers.get(known.offer.id)
        if present is not None and present.signed.body == signed.body:
            return None
        if len(self._offers) >= MAX_OFFERS:
            return None
        self._offers[known.offer.id] = known
        return known

    def _remove(self, offer_ids: Iterable[str]) -> list[str]:
        removed = [offer_id for offer_id in offer_ids if self._offers.pop(offer_id, None) is not None]
        self._unconfirmed.difference_update(removed)
        return removed
