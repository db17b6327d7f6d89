"""What the market service uses of other parts: where offers of all providers meet."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from golem_vpn.market.signed_offer import Offer

BoardListener = Callable[[Sequence[Offer], Sequence[str]], None]
"""Hears of offers that were added, and the ids of those that were removed."""


class Board(Protocol):
    """The offers of all providers, this node's own among them."""

    @property
    def offers(self) -> Mapping[str, Offer]:
        """The valid ones, by id."""

    async def publish(self, offer: Offer) -> None:
        """Shows an own offer to everybody."""

    async def withdraw(self, offer_id: str) -> None:
        """Takes an own offer back."""

    def follow(self) -> None:
        """Has the offers of others come in from now on; those who only sell can do without."""

    def on_change(self, listener: BoardListener) -> None:
        """Adds a listener."""
