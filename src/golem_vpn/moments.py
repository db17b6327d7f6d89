"""Points in time as the APIs write them, and dates that name events."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from golem_vpn.errors import InvalidInput


def now() -> datetime:
    """Gives the present moment, in UTC."""
    return datetime.now(UTC)


def to_text(moment: datetime) -> str:
    """Writes a moment as RFC 3339 in UTC, with microseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse(text: str) -> datetime:
    """Reads a moment of RFC 3339; one without a zone is taken for UTC.

    Raises:
        InvalidInput: the text is no such moment.
    """
    try:
        return in_utc(datetime.fromisoformat(text))
    except ValueError:
        raise InvalidInput(f"{text!r} is not a date and time like 2026-01-31T12:00:00Z") from None


def in_utc(moment: datetime) -> datetime:
    """Gives a moment in UTC; one without a zone is taken for UTC.

    Raises:
        InvalidInput: there is no such date in UTC: it would be before the year 1, or after 9999.
    """
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(f"{moment.isoformat()} is not a date and time of the years 1 to 9999 in UTC") from None


class RisingClock:
    """Gives dates that rise by a microsecond at least, so that each can name its event."""

    def __init__(self, after: datetime | None = None, now: Callable[[], datetime] = now) -> None:
        self._now = now
        self._last = after or datetime.min.replace(tzinfo=UTC)

    def next(self) -> datetime:
        """Gives the present time, or a later one where that was given before."""
        self._last = max(self._now(), self._last + timedelta(microseconds=1))
        return self._last
