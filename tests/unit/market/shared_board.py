"""A board that all daemons of a test share: what one of them publishes, the others see at once."""

from golem_vpn.market.ports import BoardListener
from golem_vpn.market.signed_offer import Offer


class SharedBoard:
    """Shows every offer to everybody."""

    def __init__(self) -> None:
        self.offers: dict[str, Offer] = {}
        self._listeners: list[BoardListener] = []

    async def publish(self, offer: Offer) -> None:
        """Shows an offer."""
        self.offers[offer.id] = offer
        for listener in self._listeners:
            listener([offer], [])

    async def withdraw(self, offer_id: str) -> None:
        """Takes an offer back."""
        if self.offers.pop(offer_id, None) is not None:
            for listener in self._listeners:
                listener([], [offer_id])

    def follow(self) -> None:
        """Does nothing: all offers are here anyway."""

    def on_change(self, listener: BoardListener) -> None:
        """Adds a listener."""
        self._listeners.append(listener)
