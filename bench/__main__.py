"""The command `python -m bench`: every peer in turn, several rounds, on the same wire; or another part."""

import argparse
import os
import subprocess
import sys

from rich.console import Console

from bench.api import run_api
from bench.application import run_application
from bench.long import run_long
from bench.measures import measure
from bench.net.run import run_net
from bench.peers import PEERS
from bench.presence import run_presence
from bench.report import Report
from bench.wire import plain_veth

WIDTH = 160
"""Columns of the table where there is no terminal to ask."""


def main() -> int:
    """Runs the benchmark; 2 where it can't run."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "part",
        nargs="?",
        choices=["packets", "long", "net", "api", "application", "presence"],
        default="packets",
        help="what to measure",
    )
    parser.add_argument("--quick", action="store_true", help="one round of one second each, instead of three of three")
    parser.add_argument("--rounds", type=int, help="how often each peer is measured")
    parser.add_argument("--seconds", type=int, default=600, help="how long the long run lasts")
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS), help="which to compare")
    arguments = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    if arguments.part == "api":
        console.print(f"written to {run_api(console, quick=arguments.quick)}")
        return 0
    if arguments.part == "presence":
        console.print(f"written to {run_presence(console, quick=arguments.quick)}")
        return 0
    if arguments.part == "application":
        return _application(console, rounds=arguments.rounds or (1 if arguments.quick else 5))
    if os.geteuid() != 0:
        print("error: the benchmark makes network namespaces\ncure: run it as root", file=sys.stderr)
        return 2
    if arguments.part == "long":
        console.print(f"written to {run_long(console, arguments.seconds)}")
        return 0
    if arguments.part == "net":
        return _net(console, quick=arguments.quick, rounds=arguments.rounds)
    rounds = arguments.rounds or (1 if arguments.quick else 3)
    try:
        report = compare(arguments.peers, rounds, seconds=1.0 if arguments.quick else 3.0)
    except FileNotFoundError as missing:
        print(f"error: there is no program {missing.filename!r}", file=sys.stderr)
        print("cure: install it, or leave the peer that needs it out: --peers golem-vpn", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as failed:
        print(f"error: {' '.join(failed.cmd)}: {(failed.stderr or '').strip()}", file=sys.stderr)
        return 1
    report.print(console)
    console.print(f"written to {report.save()}")
    return 0


def _net(console: Console, *, quick: bool, rounds: int | None) -> int:
    try:
        path = run_net(console, quick=quick, rounds=rounds)
    except FileNotFoundError as missing:
        print(f"error: there is no program {missing.filename!r}", file=sys.stderr)
        print("cure: make bench, which builds and installs what it needs", file=sys.stderr)
        return 2
    console.print(f"written to {path}")
    return 0


def _application(console: Console, *, rounds: int) -> int:
    try:
        path = run_application(console, rounds=rounds)
    except FileNotFoundError as missing:
        print(f"error: there is no program {missing.filename!r}", file=sys.stderr)
        print("cure: make interop", file=sys.stderr)
        return 2
    console.print(f"written to {path}")
    return 0


def compare(peers: list[str], rounds: int, seconds: float) -> Report:
    """Measures the peers alternately, so that a drift of the machine's speed hits all of them."""
    report = Report()
    progress = Console(stderr=True)
    for number in range(rounds):
        for name in peers:
            progress.print(f"round {number + 1} of {rounds}: {name}")
            with plain_veth() as wire, PEERS[name](wire) as link:
                values = measure(wire.left, wire.right, link.address, seconds, link.pids)
                report.add(name, link.details, values)
    return report


if __name__ == "__main__":
    sys.exit(main())
