"""What hubs and their members say to each other about offers."""

import msgspec

from golem_vpn.market.signed_offer import SignedOffer
from golem_vpn.net.wire import Message


class ListOwnOffers(Message, frozen=True):
    """Tells a hub all offers that the sender has at present; answered by the ids of those that the hub lacks."""

    ids: tuple[str, ...]


class PublishOffers(Message, frozen=True):
    """Gives a hub offers of the sender; answered by nothing."""

    offers: tuple[SignedOffer, ...]


class FollowOffers(Message, frozen=True):
    """Asks a hub for what changed on its board, now and from now on; answered by a page."""

    epoch: bytes
    """Which board the sender knows; another one after each start of the hub."""
    after: int


class OffersPage(msgspec.Struct, frozen=True):
    """What happened on a hub's board between two moments that have numbers."""

    epoch: bytes
    after: int
    """Nothing where the page begins the whole board anew."""
    until: int
    complete: bool
    """Whether that is all there is at present."""
    added: tuple[SignedOffer, ...]
    removed: tuple[str, ...]


class OffersChanged(Message, frozen=True):
    """Tells a member what changed on the board since it was told last; answered by nothing."""

    page: OffersPage
