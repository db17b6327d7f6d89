from bench.measures.procedure import Measure
from bench.packets.figures import Results
from bench.packets.targets import Judgement, Target, judge

SPEED = Measure("speed", "Mbit/s", higher_is_better=True)
DELAY = Measure("delay", "ms", higher_is_better=False)


def judged(measure: Measure, reached: float | None, bound: float) -> bool | None:
    return Judgement(Target("veth", measure, "ours", "theirs", bound), reached).met


def test_more_is_better_or_worse_as_the_measure_says() -> None:
    assert judged(SPEED, 3.1, 3.0) is True
    assert judged(SPEED, 2.9, 3.0) is False
    assert judged(DELAY, 0.2, 0.3) is True
    assert judged(DELAY, 0.4, 0.3) is False
    assert judged(SPEED, None, 3.0) is None


def test_medians_are_compared_on_the_same_wire() -> None:
    results = Results()
    targets = (Target("veth", SPEED, "ours", "theirs", 3.0), Target("veth", DELAY, "ours", None, 50.0))
    for values in ({SPEED: 10.0, DELAY: 9.0}, {SPEED: 30.0, DELAY: 11.0}, {SPEED: 90.0, DELAY: 10.0}):
        results.add("veth", "ours", values)
    for speed in (12.0, 10.0, 8.0):
        results.add("veth", "theirs", {SPEED: speed})
        results.add("other", "theirs", {SPEED: 1000.0})
    assert [judgement.reached for judgement in judge(results, targets)] == [3.0, 10.0]


def test_only_figures_of_the_same_sitting_are_compared() -> None:
    results = Results()
    for ours, theirs in ((100.0, 50.0), (None, 10.0), (40.0, None)):
        results.begin_sitting()
        for contestant, speed in (("ours", ours), ("theirs", theirs)):
            if speed is not None:
                results.add("veth", contestant, {SPEED: speed})
    targets = (Target("veth", SPEED, "ours", "theirs", 3.0), Target("veth", SPEED, "ours", None, 3.0))
    assert [judgement.reached for judgement in judge(results, targets)] == [2.0, 70.0]


def test_what_was_not_measured_is_not_judged() -> None:
    results = Results()
    results.add("veth", "ours", {SPEED: 10.0})
    targets = (Target("veth", SPEED, "ours", "theirs", 3.0), Target("other", SPEED, "ours", None, 3.0))
    assert [judgement.reached for judgement in judge(results, targets)] == [None]


def test_the_spread_is_half_the_distance_from_the_least_to_the_most() -> None:
    results = Results()
    for value in (90.0, 100.0, 130.0):
        results.add("veth", "ours", {SPEED: value})
    row = results.row("veth", "ours", SPEED)
    assert row is not None
    assert (row.median, row.spread) == (100.0, 0.2)
