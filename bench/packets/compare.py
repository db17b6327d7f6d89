"""Measures contestants by turns, a short load each, while all of them are up."""

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from rich.console import Console

from bench.link import Link
from bench.measures.procedure import Procedure
from bench.packets.contestants import SITTINGS, Contestant
from bench.packets.figures import Results
from bench.packets.plan import Plan
from bench.wire import WIRES, Wire

Wires = Mapping[str, Callable[[], AbstractContextManager[Wire]]]
Sittings = Sequence[Sequence[Procedure]]


def compare(
    contestants: Sequence[Contestant], plan: Plan, wires: Wires = WIRES, sittings: Sittings = SITTINGS
) -> Results:
    """Does each procedure with one contestant right after the other, so that a drift of the machine hits all alike.

    Every other round goes through them backwards: who comes early in one comes late in the next.
    """
    comparison = Comparison(plan, Results(), Console(stderr=True, highlight=False))
    for wire, make_wire in wires.items():
        for procedures in sittings:
            with ExitStack() as stack:
                for contestant in contestants:
                    own = [procedure for procedure in procedures if procedure in contestant.procedures.get(wire, ())]
                    if any(not procedure.once for procedure in own):
                        comparison.enter(contestant, own, wire, stack.enter_context(make_wire()), stack)
                comparison.sit(wire, procedures)
    return comparison.results


@dataclass(frozen=True, slots=True)
class Entrant:
    """A contestant whose link is up, between two hosts of its own."""

    name: str
    procedures: Sequence[Procedure]
    wire: Wire
    link: Link


class Comparison:
    """What goes on; what fails is told at the end, and ends nothing else."""

    def __init__(self, plan: Plan, results: Results, progress: Console) -> None:
        self.results = results
        self._plan = plan
        self._progress = progress
        self._entrants: list[Entrant] = []

    def enter(
        self, contestant: Contestant, procedures: Sequence[Procedure], name: str, wire: Wire, stack: ExitStack
    ) -> None:
        """Brings up a contestant for the sitting that comes, until the stack ends."""
        self._progress.print(f"{name}: {contestant.name} starts")
        with self._told(name, contestant.name):
            link = stack.enter_context(contestant.connect(wire))
            self.results.details[contestant.name] = link.details
            self._entrants.append(Entrant(contestant.name, procedures, wire, link))

    def sit(self, name: str, procedures: Sequence[Procedure]) -> None:
        """Measures all rounds of those who have entered, who leave then."""
        entrants, self._entrants = self._entrants, []
        for number in range(1, self._plan.rounds + 1):
            in_turn = entrants if number % 2 else entrants[::-1]
            for procedure in procedures:
                chosen = [entrant for entrant in in_turn if procedure in entrant.procedures]
                if chosen and (number == self._plan.rounds or not procedure.once):
                    self._progress.print(f"{name}, round {number} of {self._plan.rounds}: {procedure.name}")
                    for entrant in chosen:
                        self._measure(name, procedure, entrant)

    def _measure(self, name: str, procedure: Procedure, entrant: Entrant) -> None:
        with self._told(name, entrant.name):
            figures = procedure.run(entrant.wire, entrant.link, self._plan.seconds)
            self.results.add(name, entrant.name, figures)

    @contextmanager
    def _told(self, name: str, contestant: str) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, subprocess.CalledProcessError, subprocess.TimeoutExpired) as failure:
            said = getattr(failure, "stderr", None) or failure
            self.results.failures.append(f"{name}, {contestant}: {said}")
