import pytest

from bench.measures.round_trips import Trips


def answers(numbers: range, milliseconds: float = 2.0) -> str:
    """Writes what `ping -D` prints for pings that were sent at 100 s and each 10 ms after."""
    return "\n".join(
        f"[{100 + number / 100 + milliseconds / 1000:.6f}] 64 bytes from 10.0.0.2: "
        f"icmp_seq={number} ttl=64 time={milliseconds} ms"
        for number in numbers
    )


def test_only_pings_that_were_sent_in_between_count() -> None:
    output = answers(range(0, 50), 9.0) + "\n" + answers(range(50, 150))
    trips = Trips.between(100.495, 101.005, output)
    assert trips.percentiles == pytest.approx((2000, 2000))
    assert trips.sent == len(trips.answered) == 51


def test_the_late_ones_are_in_the_99th_percentile_and_not_in_the_median() -> None:
    trips = Trips.between(100, 102, answers(range(0, 97)) + "\n" + answers(range(97, 100), 40.0))
    assert trips.percentiles == pytest.approx((2000, 40_000))


def test_gaps_are_lost_pings() -> None:
    trips = Trips.between(100, 102, answers(range(0, 60)) + "\n" + answers(range(80, 100)))
    assert trips.lost_percent == pytest.approx(20)


def test_a_few_answers_are_not_enough() -> None:
    with pytest.raises(RuntimeError, match="19 pings"):
        Trips.between(100, 102, answers(range(0, 19)))
