"""What activities cost, by the linear model: so much for the start, and so much for each unit of each counter.

Coefficients are JSON numbers that must not look like integers, which SDKs refuse; amounts are decimals all the way,
made from the shortest text of the numbers that both sides see in the agreement.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from golem_vpn.errors import InvalidInput

MODEL = "golem.com.pricing.model"
COEFFICIENTS = "golem.com.pricing.model.linear.coeffs"
VECTOR = "golem.com.usage.vector"

SMALLEST_AMOUNT = Decimal("1e-18")
"""What tokens can be divided into."""
_EXACT = Context(prec=60)


def coefficients(per_unit: Sequence[Decimal], start: Decimal) -> list[float]:
    """Gives prices as they stand in an offer: one for each counter of the usage vector, and that of the start."""
    return [float(price) for price in (*per_unit, start)]


def priced(offer: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[Decimal, ...]] | None:
    """Finds the usage vector and the coefficients of an offer, or nothing where it asks for no money.

    Raises:
        InvalidInput: they do not belong together.
    """
    if COEFFICIENTS not in offer:
        return None
    vector, numbers = offer.get(VECTOR), offer[COEFFICIENTS]
    if not isinstance(vector, list) or not isinstance(numbers, list) or len(numbers) != len(vector) + 1:
        raise InvalidInput(f"{COEFFICIENTS} needs one number for each of {VECTOR}, and one for the start")
    return tuple(map(str, vector)), tuple(Decimal(repr(float(number))) for number in numbers)


def cost(offer: Mapping[str, Any], usage: Mapping[str, float]) -> Decimal:
    """Gives what one activity costs that has used so much, by the prices of its agreement's offer."""
    terms = priced(offer)
    if terms is None:
        return Decimal(0)
    vector, (*per_unit, start) = terms
    total = start
    for counter, price in zip(vector, per_unit, strict=True):
        total = _EXACT.fma(price, Decimal(repr(float(usage.get(counter, 0.0)))), total)
    return total.quantize(SMALLEST_AMOUNT, ROUND_HALF_UP, _EXACT)


def vector_of(offer: Mapping[str, Any], usage: Mapping[str, float]) -> list[float]:
    """Gives the counters that an offer names, in its order."""
    terms = priced(offer)
    return [] if terms is None else [float(usage.get(counter, 0.0)) for counter in terms[0]]
