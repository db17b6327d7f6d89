"""The offers on a hub's board, and in which order they came and went."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec

from golem_vpn.errors import Conflict, Overloaded
from golem_vpn.market.board_messages import OffersPage
from golem_vpn.market.signed_offer import KnownOffer, SignedOffer

MAX_OFFERS = 20_000
MAX_BYTES = 256 * 1024 * 1024
MAX_MEMBER_OFFERS = 1000
MAX_MEMBER_BYTES = 16 * 1024 * 1024
MAX_REMOVALS = 20_000
"""How many removals are remembered; after that, all are told the whole board anew."""
PAGE_BYTES = 128 * 1024


class Change(msgspec.Struct, frozen=True):
    """An offer came or went."""

    number: int
    offer_id: str


class Kept(msgspec.Struct, frozen=True):
    """An offer on the board, who brought it, and when."""

    known: KnownOffer
    member: str
    number: int


class Position(NamedTuple):
    """A moment in the life of a board."""

    epoch: bytes
    """Names the series of numbers."""
    number: int


class OfferLog:
    """Keeps the offers, and numbers what happens to them."""

    def __init__(self, boot_id: bytes) -> None:
        self._last = 0
        self._boot_id = boot_id
        self._generation = 0
        self._kept: dict[str, Kept] = {}
        self._changes: list[Change] = []
        self._of_member: defaultdict[str, set[str]] = defaultdict(set)
        self._bytes: Counter[str] = Counter()

    @property
    def position(self) -> Position:
        """Names the last change."""
        return Position(self._epoch, self._last)

    def of_member(self, member: str) -> set[str]:
        """Gives the ids of the offers that a member brought."""
        return set(self._of_member.get(member, ()))

    def find(self, offer_id: str) -> KnownOffer | None:
        """Finds an offer."""
        kept = self._kept.get(offer_id)
        return kept.known if kept is not None else None

    def put(self, member: str, known: KnownOffer) -> None:
        """Takes in an offer of a member; the same one again changes nothing.

        Raises:
            Conflict: there is another offer of that id.
            Overloaded: the member has too many, or the board is full.
        """
        present = self._kept.get(known.offer.id)
        if present is not None:
            if present.known.signed.body != known.signed.body or present.member != member:
                raise Conflict(f"there is another offer {known.offer.id} already")
            return
        self._check_room(member, len(known.signed.body))
        self._kept[known.offer.id] = Kept(known, member, self._note(known.offer.id))
        self._of_member[member].add(known.offer.id)
        self._bytes[member] += len(known.signed.body)

    def drop(self, offer_ids: Iterable[str]) -> None:
        """Takes offers off the board."""
        for offer_id in offer_ids:
            kept = self._kept.pop(offer_id, None)
            if kept is not None:
                self._of_member[kept.member].discard(offer_id)
                self._bytes[kept.member] -= len(kept.known.signed.body)
                if not self._of_member[kept.member]:
                    del self._of_member[kept.member], self._bytes[kept.member]
                self._note(offer_id)
        if len(self._changes) > len(self._kept) + 2 * MAX_REMOVALS:
            self._renumber()

    def drop_expired(self, now: datetime) -> None:
        """Takes offers off the board whose time is over."""
        self.drop([offer_id for offer_id, kept in self._kept.items() if kept.known.offer.expires <= now])

    def page(self, position: Position) -> OffersPage:
        """Tells what changed after a position, or begins from the start where that can't be told."""
        after = position.number if position.epoch == self._epoch and position.number <= self._last else 0
        added: list[SignedOffer] = []
        removed: list[str] = []
        room, until = PAGE_BYTES, after
        for change in self._changes[bisect_right(self._changes, after, key=_number) :]:
            kept = self._kept.get(change.offer_id)
            if kept is not None and kept.number == change.number:
                added.append(kept.known.signed)
                room -= len(kept.known.signed.body)
            elif kept is None and after:
                removed.append(change.offer_id)
                room -= len(change.offer_id)
            until = change.number
            if room <= 0:
                break
        else:
            until = self._last
        return OffersPage(self._epoch, after, until, until == self._last, tuple(added), tuple(removed))

    @property
    def _epoch(self) -> bytes:
        return self._boot_id + self._generation.to_bytes(8)

    def _check_room(self, member: str, size: int) -> None:
        if len(self._of_member.get(member, ())) >= MAX_MEMBER_OFFERS or self._bytes[member] + size > MAX_MEMBER_BYTES:
            raise Overloaded(f"a member has at most {MAX_MEMBER_OFFERS} offers, and {MAX_MEMBER_BYTES} bytes of them")
        if len(self._kept) >= MAX_OFFERS or self._bytes.total() + size > MAX_BYTES:
            raise Overloaded("there is no room for more offers on the hub's board")

    def _note(self, offer_id: str) -> int:
        self._last += 1
        self._changes.append(Change(self._last, offer_id))
        return self._last

    def _renumber(self) -> None:
        """Begins a new series that knows of no removals."""
        self._generation += 1
        self._changes = [Change(number, offer_id) for number, offer_id in enumerate(self._kept, 1)]
        for change in self._changes:
            kept = self._kept[change.offer_id]
            self._kept[change.offer_id] = msgspec.structs.replace(kept, number=change.number)
        self._last = len(self._changes)


def _number(change: Change) -> int:
    return change.number
