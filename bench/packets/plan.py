"""How much is measured: all of it, or what two minutes allow."""

from collections.abc import Iterable
from dataclasses import dataclass

from bench.measures.procedure import Procedure
from bench.measures.throughput import TCP_REVERSE, UDP_BY_NUTTCP
from bench.packets.contestants import BARE, CHACHA, USER_SPACE_GATE, WORKER
from bench.packets.sittings import Sitting, drop_repetitions


@dataclass(frozen=True, slots=True)
class Plan:
    """Rounds of all contestants, and what they leave out."""

    rounds: int
    seconds: float
    """How long a single load lasts."""
    left_out: tuple[str, ...] = ()
    """Contestants that are not measured."""
    procedures_left_out: tuple[Procedure, ...] = ()

    def cut(self, sittings: Iterable[Sitting]) -> list[Sitting]:
        """Gives what is left of sittings."""

        def is_wanted(name: str, procedure: Procedure) -> bool:
            return name not in self.left_out and procedure not in self.procedures_left_out

        return drop_repetitions([sitting.only(is_wanted) for sitting in sittings])

    def describe(self) -> str:
        """Tells it in one line."""
        rounds = "one round" if self.rounds == 1 else f"{self.rounds} rounds"
        missing = [*self.left_out, *(procedure.name for procedure in self.procedures_left_out)]
        return f"{rounds}, {self.seconds:g} s a load" + (f"; left out: {'; '.join(missing)}" if missing else "")


FULL = Plan(rounds=5, seconds=1.0)
QUICK = Plan(
    rounds=1, seconds=1.0,
    left_out=(CHACHA, WORKER, USER_SPACE_GATE, BARE), procedures_left_out=(*TCP_REVERSE, *UDP_BY_NUTTCP),
)  # fmt: skip
