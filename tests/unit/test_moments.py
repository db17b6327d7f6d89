from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_vpn import moments
from golem_vpn.errors import InvalidInput
from golem_vpn.moments import RisingClock


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1000, 1, 1)))
def test_what_is_written_is_read_again(moment: datetime) -> None:
    assert moments.parse(moments.to_text(moment)) == moment


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-11-22T10:23:27.553817+00:00", "2026-11-22T10:23:27.553817Z"),
        ("2026-11-22T10:23:59.748Z", "2026-11-22T10:23:59.748000Z"),
        ("2026-11-22T12:00:00+02:00", "2026-11-22T10:00:00.000000Z"),
        ("2026-11-22T10:00:00", "2026-11-22T10:00:00.000000Z"),
    ],
)
def test_the_forms_that_clients_write_are_read(text: str, written: str) -> None:
    assert moments.to_text(moments.parse(text)) == written


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not a date and time"):
        moments.parse(text)


def test_dates_rise_even_where_the_clock_stands_still_or_goes_back() -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    times = iter([begin, begin, begin - timedelta(seconds=1), begin + timedelta(seconds=1)])
    clock = RisingClock(now=lambda: next(times))
    dates = [clock.next() for _ in range(4)]
    microsecond = timedelta(microseconds=1)
    assert dates == [begin, begin + microsecond, begin + 2 * microsecond, begin + timedelta(seconds=1)]


def test_dates_go_on_after_the_last_known_one() -> None:
    last = datetime(2026, 1, 1, tzinfo=UTC)
    assert RisingClock(last, lambda: last - timedelta(days=1)).next() == last + timedelta(microseconds=1)
