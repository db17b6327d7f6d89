"""Which offers and demands fit: each meets the constraints of the other."""

from collections.abc import Iterable
from itertools import compress
from typing import Any, NamedTuple

from golem_vpn.errors import Conflict
from golem_vpn.market.columns import Columns
from golem_vpn.market.constraints import parse
from golem_vpn.market.expression import Expression
from golem_vpn.market.requirements import Requirements

_BITS = bytes.maketrans(b"01", b"\0\1")


class Entry(NamedTuple):
    """An offer or a demand, with properties as `properties.check` gives them."""

    id: str
    properties: dict[str, Any]
    constraints: str


class Matcher:
    """All offers and demands at hand; tells of each new one which of the others it fits."""

    def __init__(self) -> None:
        self._offers = _Side()
        self._demands = _Side()

    def add_offer(self, id: str, properties: dict[str, Any], constraints: str) -> list[str]:
        """Takes in an offer, and gives the ids of the demands that it fits.

        Raises:
            InvalidInput: the constraints are none.
            Conflict: there is an offer of that id.
        """
        return _add(self._offers, self._demands, Entry(id, properties, constraints))

    def add_demand(self, id: str, properties: dict[str, Any], constraints: str) -> list[str]:
        """Takes in a demand, and gives the ids of the offers that it fits.

        Raises:
            InvalidInput: the constraints are none.
            Conflict: there is a demand of that id.
        """
        return _add(self._demands, self._offers, Entry(id, properties, constraints))

    def add_offers(self, offers: Iterable[Entry]) -> dict[str, list[str]]:
        """Takes in many offers, and gives the ids of the demands that each fits.

        Raises:
            InvalidInput: the constraints of one are none; those before it stay.
            Conflict: there is an offer of one's id; those before it stay.
        """
        return {offer.id: _add(self._offers, self._demands, offer) for offer in offers}

    def add_demands(self, demands: Iterable[Entry]) -> dict[str, list[str]]:
        """Takes in many demands, and gives the ids of the offers that each fits.

        Raises:
            InvalidInput: the constraints of one are none; those before it stay.
            Conflict: there is a demand of one's id; those before it stay.
        """
        return {demand.id: _add(self._demands, self._offers, demand) for demand in demands}

    def remove_offer(self, id: str) -> None:
        """Forgets an offer; one that is not there stays away."""
        self._offers.remove(id)

    def remove_demand(self, id: str) -> None:
        """Forgets a demand; one that is not there stays away."""
        self._demands.remove(id)


class _Side:
    """All offers, or all demands; each has a bit of its own in the masks."""

    def __init__(self) -> None:
        self._ids: list[str | None] = []
        self._free: list[int] = []
        self._entries: dict[str, tuple[int, dict[str, Any], Expression]] = {}
        self._columns = Columns()
        self._requirements = Requirements()

    def __contains__(self, id: str) -> bool:
        return id in self._entries

    def add(self, id: str, properties: dict[str, Any], expression: Expression) -> None:
        """Takes in one."""
        if self._free:
            place = self._free.pop()
            self._ids[place] = id
        else:
            place = len(self._ids)
            self._ids.append(id)
        self._entries[id] = place, properties, expression
        self._columns.add(1 << place, properties)
        self._requirements.add(1 << place, expression)

    def remove(self, id: str) -> None:
        """Forgets one, if it is there."""
        if (entry := self._entries.pop(id, None)) is None:
            return
        place, properties, expression = entry
        self._columns.remove(1 << place, properties)
        self._requirements.remove(1 << place, expression)
        self._ids[place] = None
        self._free.append(place)

    def fitting(self, properties: dict[str, Any], expression: Expression) -> list[str]:
        """Lists those that meet an expression, and whose own constraints the properties meet."""
        mask = self._columns.ask(expression).true
        if mask:
            mask &= ~self._requirements.failed_by(properties)
        bits = bin(mask)[:1:-1].encode().translate(_BITS)
        return [id for id in compress(self._ids, bits) if id is not None]


def _add(side: _Side, others: _Side, entry: Entry) -> list[str]:
    expression = parse(entry.constraints)
    if entry.id in side:
        raise Conflict(f"{entry.id} is there already")
    side.add(entry.id, entry.properties, expression)
    return others.fitting(entry.properties, expression)
