from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_vpn.errors import InvalidInput
from golem_vpn.payment import amounts


@pytest.mark.parametrize(
    ("text", "meant"),
    [("1", "1"), ("1.50", "1.5"), (5, "5"), (0.1, "0.1"), ("1E-7", "0.0000001"), ("-0", "0"), ("0.00", "0"),
     ("1e9", "1000000000"), ("0.1234567890123456789", "0.123456789012345679")],
)  # fmt: skip
def test_read_and_written(text: str | float, meant: str) -> None:
    assert amounts.to_text(amounts.parse(text, "x")) == meant


@pytest.mark.parametrize(
    "text",
    ["", "one", "-1", "NaN", "-NaN", "sNaN", "Infinity", "1e10", "1e999999", "1,5", "0x5", "1_0", " 1", "\uff11", "."],
)
def test_no_amounts(text: str) -> None:
    with pytest.raises(InvalidInput, match="amount"):
        amounts.parse(text, "the amount")


@given(st.lists(st.decimals(0, 10**8, places=18), max_size=10))
def test_sums_are_exact(values: list[Decimal]) -> None:
    checked = [amounts.check(value, "x") for value in values]
    assert sum(checked) * 10**18 == sum(int(value * 10**18) for value in checked)
