from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.link import Link
from bench.measures.first_ping import FIRST_PING, FIRST_PING_MS, NEXT_PING_MS
from bench.measures.procedure import Figures, Measure, Procedure
from bench.packets.compare import compare
from bench.packets.plan import Plan
from bench.packets.sittings import Contestant, Sitting
from bench.wire import Wire

SPEED = Measure("speed", "Mbit/s", higher_is_better=True)
PLAN = Plan(rounds=2, seconds=1.0)


@dataclass(slots=True)
class Stage:
    """Contestants that carry nothing, and what was done with them in which order."""

    up: list[str] = field(default_factory=list)
    measured: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    """With whom, and who was up then."""

    def procedure(self, name: str = "speed") -> Procedure:
        """Makes one that notes with whom it is done."""
        return Procedure(name, (SPEED,), self._measure)

    def _measure(self, _wire: Wire, link: Link, _seconds: float) -> Figures:
        self.measured.append((link.address, tuple(self.up)))
        if link.address == "breaks":
            raise RuntimeError("no more power")
        return {SPEED: float(len(self.measured))}

    def contestant(self, name: str, *procedures: Procedure) -> Contestant:
        """Makes one that its link names."""

        @contextmanager
        def connect(_wire: Wire) -> Iterator[Link]:
            if name == "never starts":
                raise RuntimeError("no fuel")
            self.up.append(name)
            yield Link(name, (), "", first_ping=0.5, next_ping=lambda: 0.25)
            self.up.remove(name)

        return Contestant(name, connect, procedures)


@contextmanager
def wire() -> Iterator[Wire]:
    """Makes a wire between no hosts."""
    yield None  # type: ignore[misc]


def test_all_are_up_while_they_take_turns_and_every_other_round_goes_backwards() -> None:
    stage = Stage()
    procedure = stage.procedure()
    contestants = [stage.contestant(name, procedure) for name in ("a", "b", "c")]
    results = compare([Sitting("wire", contestants)], PLAN, {"wire": wire})
    assert [name for name, _ in stage.measured] == ["a", "b", "c", "c", "b", "a"]
    assert {up for _, up in stage.measured} == {("a", "b", "c")}
    assert stage.up == []
    row = results.row("wire", "b", SPEED)
    assert row is not None
    assert row.values == (2.0, 5.0)


def test_a_link_tells_some_things_once_and_each_sitting_has_links_of_its_own() -> None:
    stage = Stage()
    procedure = stage.procedure()
    one = stage.contestant("a", FIRST_PING, procedure)
    sittings = [Sitting("wire", [one]), Sitting("wire", [one, stage.contestant("b", procedure, FIRST_PING)])]
    results = compare(sittings, PLAN, {"wire": wire})
    assert [up for _, up in stage.measured] == [("a",)] * 2 + [("a", "b")] * 4
    for name, times in (("a", 2), ("b", 1)):
        for measure, milliseconds in ((FIRST_PING_MS, 500.0), (NEXT_PING_MS, 250.0)):
            row = results.row("wire", name, measure)
            assert row is not None
            assert row.values == (milliseconds,) * times


def test_who_fails_is_told_and_stops_nobody_else() -> None:
    stage = Stage()
    procedure = stage.procedure()
    contestants = [stage.contestant(name, procedure) for name in ("breaks", "never starts", "a")]
    results = compare([Sitting("wire", contestants)], PLAN, {"wire": wire})
    assert results.failures == ["wire, never starts: no fuel", *["wire, breaks: no more power"] * 2]
    row = results.row("wire", "a", SPEED)
    assert row is not None
    assert len(row.values) == PLAN.rounds
