"""A process full of simulated nodes: told what to do by lines of JSON, it tells what happens, and when, by others.

Times are those of the machine's monotonic clock, which all processes share.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import anyio
import structlog
from anyio.abc import TaskGroup

from bench.presence.simulated import SimulatedNode
from golem_vpn.net.document import NetworkDocument
from golem_vpn.net.ticket import Ticket

ASKING_SECONDS = 0.2
"""How long a node waits until it asks its hub again who is there."""


def main() -> None:
    """Runs the nodes until the standard input ends."""
    parser = argparse.ArgumentParser(prog="worker", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("template", type=Path)
    parser.add_argument("name")
    parser.add_argument("count", type=int)
    arguments = parser.parse_args()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger("error"),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # Not among the arguments, which anybody on the machine may read.
    ticket = Ticket.parse(sys.stdin.readline().strip())
    names = [f"{arguments.name}-{number}" for number in range(arguments.count)]
    anyio.run(_run, arguments.folder, arguments.template, names, ticket, backend_options={"use_uvloop": True})


async def _run(folder: Path, template: Path, names: Sequence[str], ticket: Ticket) -> None:
    nodes = [await SimulatedNode.open(folder, name, template, ticket) for name in names]
    for node in nodes:
        node.node.directory.on_attached(partial(_tell, "joined", node.id))
        node.node.membership.watch(partial(_tell_applied, node.id))
    _tell("ready", ",".join(node.id for node in nodes))
    async with anyio.create_task_group() as tasks:
        async for line in anyio.wrap_file(sys.stdin):
            command, *arguments = json.loads(line)
            if command == "join":
                for node in nodes:
                    tasks.start_soon(node.node.run)
            else:
                [absent, askers] = arguments
                _watch_presence(nodes[:askers], frozenset(absent), tasks)
        tasks.cancel_scope.cancel()
    async with anyio.create_task_group() as tasks:
        for node in nodes:
            tasks.start_soon(node.close)


def _watch_presence(askers: Sequence[SimulatedNode], absent: frozenset[str], tasks: TaskGroup) -> None:
    for node in askers:
        tasks.start_soon(_ask_until_absent, node, absent)


async def _ask_until_absent(asker: SimulatedNode, absent: frozenset[str]) -> None:
    """Has a node ask its hub until those nodes, and no others, are away."""
    while {entry.node_id for entry in await asker.node.directory.nodes() if not entry.online} != absent:
        await anyio.sleep(ASKING_SECONDS)
    _tell("presence", asker.id)


def _tell_applied(node_id: str, document: NetworkDocument) -> None:
    _tell("applied", node_id, document.version)


def _tell(event: str, node_id: str, version: int = 0) -> None:
    print(json.dumps([event, node_id, version, time.monotonic()]), flush=True)


if __name__ == "__main__":
    main()
