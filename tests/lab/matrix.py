"""Machines at sites of every kind in one network: what each pair carries, over which path, and why.

`python -m tests.lab.matrix` (as root) prints it.
"""

import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import combinations_with_replacement
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from tests.lab.expectations import EXPECTED, Expectation
from tests.lab.laboratory import laboratory
from tests.lab.nodes import Node, Nodes, attach
from tests.lab.sites import KINDS, PUBLIC, Kind
from tests.lab.traffic import check_datagrams, check_stream, echo

PAIRS = tuple(combinations_with_replacement(KINDS, 2))
AT_ONCE = 16
SETTLING_SECONDS = 30.0
PAUSE = 0.5
ORDINARY_MTU = 1500


@dataclass(frozen=True)
class Member:
    """A machine in the network."""

    kind: Kind
    node: Node
    address: str


@dataclass
class Cell:
    """What two machines came to."""

    one: Member
    other: Member
    failures: tuple[str, ...] = ()
    """What was not carried."""
    path: dict[str, Any] | None = None
    """As the first machine's daemon tells."""

    @property
    def expected(self) -> Expectation:
        """What there should be."""
        return EXPECTED[frozenset((self.one.kind, self.other.kind))]

    @property
    def narrowest(self) -> int:
        """The longest packet that passes both lines."""
        return int(min(member.kind.wire.get("mtu", ORDINARY_MTU) for member in (self.one, self.other)))

    def is_as_expected(self) -> bool:
        """Tells whether the path is of the kind that it should be, for the reason and of the MTU that it should be."""
        if self.path is None or self.path["kind"] != self.expected.kind:
            return False
        if self.expected.kind == "direct" and not 0 < (self.path["mtu"] or 0) <= self.narrowest:
            return False
        return re.search(self.expected.reason, self.path["reason"] or "") is not None


Matrix = dict[tuple[Kind, Kind], Cell]


def observe(folder: Path) -> Matrix:
    """Sets all up, and gives what each pair came to."""
    with ExitStack() as stack:
        lab = stack.enter_context(laboratory())
        nodes = Nodes(folder, stack)
        hub = nodes.hub(lab.site(PUBLIC).machine)
        # With a second one to ask, nodes can tell a NAT that chooses a port per destination.
        nodes.relays(hub, [lab.site(PUBLIC).machine])
        sites = [lab.site(kind) for kind in (*KINDS, *KINDS)]
        joined = nodes.join(hub, {site.machine: () for site in sites})
        members = [
            Member(site.kind, node, f"10.97.0.{host}")
            for host, (site, node) in enumerate(zip(sites, joined, strict=True), start=2)
        ]
        attach(hub, {member.node: member.address for member in members})
        for member in members:
            stack.enter_context(echo(member.node.machine))
        firsts, seconds = (
            dict(zip(KINDS, half, strict=True)) for half in (members[: len(KINDS)], members[len(KINDS) :])
        )
        matrix = {(one, other): Cell(firsts[one], seconds[other]) for one, other in PAIRS}
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(_carry, matrix.values()))
            _settle(matrix, threads)
        return matrix


def _carry(cell: Cell) -> None:
    checks = {"UDP": check_datagrams, "TCP": check_stream}
    failures = []
    for name, check in checks.items():
        try:
            check(cell.one.node.machine, cell.other.address)
        except (AssertionError, OSError) as error:
            failures.append(f"{name}: {error}")
    cell.failures = tuple(failures)


def _settle(matrix: Matrix, threads: ThreadPoolExecutor) -> None:
    """Waits until all paths are as expected, for a while: a direct one takes a moment, and so does giving it up."""
    deadline = monotonic() + SETTLING_SECONDS
    while True:
        nodes = {cell.one.node for cell in matrix.values() if not cell.is_as_expected()}
        for node, paths in zip(nodes, threads.map(_paths, nodes), strict=True):
            for cell in matrix.values():
                if cell.one.node is node:
                    cell.path = paths.get(cell.other.node.node_id)
        if monotonic() > deadline or all(cell.is_as_expected() for cell in matrix.values()):
            return
        sleep(PAUSE)


def _paths(node: Node) -> dict[str, dict[str, Any]]:
    return {peer["nodeId"]: peer["path"] for peer in node.peers()}


def text_of(matrix: Matrix) -> str:
    """Draws the matrix: paths, then the reasons of those that are relayed, and what is not as it should be."""
    width = max(len(kind.name) for kind in KINDS) + 2
    lines = [" " * width + "".join(kind.name.ljust(width) for kind in KINDS)]
    for row, other in enumerate(KINDS):
        kinds = [_mark(matrix[one, other]) for one in KINDS[: row + 1]]
        lines.append(other.name.ljust(width) + "".join(kind.ljust(width) for kind in kinds))
    reasons: dict[str, list[str]] = {}
    for (one, other), cell in matrix.items():
        if cell.path is not None and cell.path["reason"]:
            reasons.setdefault(cell.path["reason"], []).append(f"{one.name}-{other.name}")
    lines += [f"{reason}: {' '.join(pairs)}" for reason, pairs in reasons.items()]
    return "\n".join(lines)


def _mark(cell: Cell) -> str:
    kind = "?" if cell.path is None else str(cell.path["kind"])
    return kind if cell.is_as_expected() and not cell.failures else f"{kind} !"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="golem-vpn-matrix-") as directory:
        print(text_of(observe(Path(directory))))  # noqa: T201
