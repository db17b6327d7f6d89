"""Amounts of money: never below zero, exact to 18 decimal places, as the tokens of Golem's platforms are."""

import re
from decimal import Decimal

from golem_vpn.errors import InvalidInput

MAXIMUM = Decimal(10**9)
"""As many tokens as there are; sums of some such amounts still fit the 28 digits that decimals are added with."""
_SMALLEST = Decimal("1e-18")
_WRITTEN = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,6})?")


def parse(text: str | int | float, name: str) -> Decimal:
    """Reads an amount; what is beyond the 18th decimal place is rounded.

    Raises:
        InvalidInput: it is none.
    """
    if not _WRITTEN.fullmatch(str(text)):
        raise InvalidInput(f"{name}: {str(text)[:64]!r} is no amount such as 1.25")
    return check(Decimal(str(text)), name)


def check(amount: Decimal, name: str) -> Decimal:
    """Gives an amount as it is stored, in the one form that each has.

    Raises:
        InvalidInput: it is negative, infinite, or absurdly large.
    """
    if not amount.is_finite() or not 0 <= amount <= MAXIMUM:
        raise InvalidInput(f"{name} has to be an amount from 0 to {MAXIMUM}")
    return abs(amount.quantize(_SMALLEST).normalize())


def to_text(amount: Decimal) -> str:
    """Writes an amount without an exponent and without needless zeros."""
    return f"{amount.normalize():f}"
