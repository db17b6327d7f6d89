import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_vpn.errors import InvalidInput
from golem_vpn.provider import pricing

TIME, PROCESSOR = "golem.usage.duration_sec", "golem.usage.cpu_sec"
OFFER: dict[str, Any] = {pricing.VECTOR: [TIME, PROCESSOR], pricing.COEFFICIENTS: [0.0001, 0.2, 1.5]}


def test_coefficients_never_look_like_integers() -> None:
    numbers = pricing.coefficients([Decimal(0), Decimal("1E-5")], Decimal(2))
    assert all(isinstance(number, float) for number in numbers)
    assert json.loads(json.dumps(numbers)) == [0.0, 0.00001, 2.0]
    assert json.dumps(numbers).startswith("[0.0, ")


def test_the_start_and_each_counter_are_added_up() -> None:
    assert pricing.cost(OFFER, {TIME: 10.5, PROCESSOR: 0.1}) == Decimal("1.52105")
    assert pricing.cost(OFFER, {}) == Decimal("1.5")


def test_an_offer_without_prices_is_free() -> None:
    offer = {pricing.VECTOR: [TIME]}
    assert pricing.priced(offer) is None
    assert pricing.cost(offer, {TIME: 5.0}) == 0
    assert pricing.vector_of(offer, {TIME: 5.0}) == []


@pytest.mark.parametrize("numbers", [[1.0], [1.0, 2.0, 3.0, 4.0], "1.0", None])
def test_coefficients_that_do_not_fit_the_vector(numbers: Any) -> None:
    with pytest.raises(InvalidInput, match="one for the start"):
        pricing.cost(OFFER | {pricing.COEFFICIENTS: numbers}, {})


def test_usage_in_the_order_of_the_offer() -> None:
    assert pricing.vector_of(OFFER, {PROCESSOR: 2.0, TIME: 1.0, "golem.usage.gib": 9.0}) == [1.0, 2.0]
    assert pricing.vector_of(OFFER, {}) == [0.0, 0.0]


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.floats(0, 1e9))
def test_more_usage_never_costs_less(first: float, second: float, processor: float) -> None:
    less, more = sorted((first, second))
    assert pricing.cost(OFFER, {TIME: less, PROCESSOR: processor}) <= pricing.cost(
        OFFER, {TIME: more, PROCESSOR: processor}
    )
