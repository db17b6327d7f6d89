"""What long polls and lists are asked with, and the checks of it."""

from datetime import datetime
from typing import Annotated, TypeAlias

from litestar.params import QueryParameter

from golem_vpn import moments
from golem_vpn.errors import InvalidInput

DEFAULT_WAIT_SECONDS = 5.0
MAX_WAIT_SECONDS = 300.0
MAX_ITEMS = 1000

Timeout: TypeAlias = Annotated[float | None, QueryParameter()]
PollTimeout: TypeAlias = Annotated[float | None, QueryParameter(name="pollTimeout")]
"""What `timeout` was called before."""
After: TypeAlias = Annotated[str | None, QueryParameter(name="afterTimestamp")]
Limit: TypeAlias = Annotated[int | None, QueryParameter(name="maxItems")]
MaxEvents: TypeAlias = Annotated[int | None, QueryParameter(name="maxEvents")]


def seconds(*alternatives: float | None) -> float:
    """Gives the first that is there of several names of a time to wait, five seconds where there is none.

    Raises:
        InvalidInput: it is no number of seconds.
    """
    timeout = next((timeout for timeout in alternatives if timeout is not None), DEFAULT_WAIT_SECONDS)
    # Written so that what is no number at all fails as well.
    if not timeout >= 0:
        raise InvalidInput("timeout: expected a number of seconds that is not negative")
    return min(timeout, MAX_WAIT_SECONDS)


def number_of(limit: int | None, name: str) -> int:
    """Gives how many objects are asked for at most.

    Raises:
        InvalidInput: less than one, or too many.
    """
    if limit is not None and not 1 <= limit <= MAX_ITEMS:
        raise InvalidInput(f"{name} has to be from 1 to {MAX_ITEMS}")
    return limit or MAX_ITEMS


def moment(text: str | None) -> datetime | None:
    """Reads a moment, where one is given.

    Raises:
        InvalidInput: the text is no date and time.
    """
    return None if text is None else moments.parse(text)
