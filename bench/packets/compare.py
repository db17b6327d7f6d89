"""Measures the contestants of a sitting by turns, a short load each, while all of them are up."""

import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product

from rich.console import Console

from bench.link import Link
from bench.measures.procedure import Procedure
from bench.packets.figures import Results
from bench.packets.plan import Plan
from bench.packets.sittings import Contestant, Sitting
from bench.wire import WIRES, Wire

Wires = Mapping[str, Callable[[], AbstractContextManager[Wire]]]


def compare(sittings: Iterable[Sitting], plan: Plan, wires: Wires = WIRES) -> Results:
    """Does each procedure with one contestant right after the other, so that a drift of the machine hits all alike.

    Every other round goes through them backwards: who comes early in one comes late in the next.
    """
    comparison = Comparison(plan, Results(), Console(stderr=True, highlight=False))
    for sitting in sittings:
        with ExitStack() as stack:
            comparison.results.begin_sitting()
            make_wire = wires[sitting.wire]
            entrants = [comparison.enter(sitting.wire, make_wire, it, stack) for it in sitting.contestants]
            comparison.sit(sitting, [entrant for entrant in entrants if entrant is not None])
    return comparison.results


@dataclass(frozen=True, slots=True)
class Entrant:
    """A contestant whose link is up, between two hosts of its own."""

    contestant: Contestant
    wire: Wire
    link: Link


class Comparison:
    """What goes on; what fails is told at the end, and ends nothing else."""

    def __init__(self, plan: Plan, results: Results, progress: Console) -> None:
        self.results = results
        self._plan = plan
        self._progress = progress

    def enter(
        self, name: str, make_wire: Callable[[], AbstractContextManager[Wire]], contestant: Contestant, stack: ExitStack
    ) -> Entrant | None:
        """Brings up a contestant until the stack ends; nothing where that fails."""
        self._progress.print(f"{name}: {contestant.name} starts")
        with self._told(name, contestant.name):
            wire = stack.enter_context(make_wire())
            link = stack.enter_context(contestant.connect(wire))
            self.results.details[contestant.name] = link.details
            return Entrant(contestant, wire, link)
        return None

    def sit(self, sitting: Sitting, entrants: list[Entrant]) -> None:
        """Measures all rounds."""
        for number, procedure in product(range(1, self._plan.rounds + 1), sitting.procedures()):
            if procedure.once and number < self._plan.rounds:
                continue
            self._progress.print(f"{sitting.wire}, round {number} of {self._plan.rounds}: {procedure.name}")
            for entrant in entrants if number % 2 else reversed(entrants):
                if procedure in entrant.contestant.procedures:
                    self._measure(sitting.wire, procedure, entrant)

    def _measure(self, name: str, procedure: Procedure, entrant: Entrant) -> None:
        with self._told(name, entrant.contestant.name):
            figures = procedure.run(entrant.wire, entrant.link, self._plan.seconds)
            self.results.add(name, entrant.contestant.name, figures)

    @contextmanager
    def _told(self, name: str, contestant: str) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, subprocess.CalledProcessError, subprocess.TimeoutExpired) as failure:
            said = getattr(failure, "stderr", None) or failure
            self.results.failures.append(f"{name}, {contestant}: {said}")
