"""Which of the known relays a node connects to, and at which of their addresses."""

import math
from collections.abc import Collection, Mapping, Sequence

from golem_vpn.net.relay_address import MAX_RELAYS, RelayOffer

PREFERENCE = 0.7
"""A relay in use is left only for one that is nearer by this factor."""


def choose(offers: Sequence[RelayOffer], in_use: Collection[str], round_trips: Mapping[str, float]) -> list[str]:
    """Gives one text for each of the nearest relays, nearest first.

    Args:
        offers: The relays, in the order that counts where nothing else does.
        in_use: The texts that were chosen before.
        round_trips: How long an answer takes, in seconds; what is not in it did not answer, or was not asked.
    """

    def cost(text: str, position: int) -> tuple[float, bool, int]:
        seconds = round_trips.get(text, math.inf)
        return seconds * (PREFERENCE if text in in_use else 1), text not in in_use, position

    nearest = [
        min((*cost(text, position), text) for position, text in enumerate(offer.texts))
        for offer in offers
        if offer.texts
    ]
    ranked = sorted(enumerate(nearest), key=lambda item: (*item[1][:2], item[0]))
    return [text for _, (*_, text) in ranked[:MAX_RELAYS]]


def needs_sounding(offers: Sequence[RelayOffer]) -> bool:
    """Tells whether there is anything to choose: more relays than are used, or one with several addresses."""
    return len(offers) > MAX_RELAYS or any(len(offer.addresses) > 1 for offer in offers)
