"""The command `python -m bench`: measures golem-vpn beside its peers, or another part of it."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

from rich.console import Console

from bench.api import run_api
from bench.application import run_application
from bench.gate.run import run_gate
from bench.long import run_long
from bench.net.run import run_net
from bench.packets.contestants import CONTESTANTS
from bench.packets.plan import FULL, QUICK
from bench.packets.run import run_packets
from bench.packets.sittings import chosen
from bench.presence import run_presence
from bench.wire import WIRES

WIDTH = 170
"""Columns of a table where there is no terminal to ask."""
INTERRUPTED = 130


def main() -> int:
    """Runs a part; 2 where it can't run."""
    arguments = _parser().parse_args()
    part = PARTS[arguments.part]
    if part in NEED_ROOT and os.geteuid() != 0:
        return _fail(2, "the benchmark makes network namespaces", "run it as root")
    # Whatever ends it, the namespaces and the processes in them go first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        part(Console(width=None if sys.stdout.isatty() else WIDTH), arguments)
    except FileNotFoundError as missing:
        return _fail(2, f"there is no {missing.filename!r}", f"{MAKES[part]}, which installs what it needs")
    except subprocess.CalledProcessError as failed:
        return _fail(1, f"{failed.cmd[0]}: {(failed.stderr or '').strip()}")
    except RuntimeError as failed:
        return _fail(1, str(failed))
    except KeyboardInterrupt:
        return _fail(INTERRUPTED, "interrupted; what it made was removed")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("part", nargs="?", choices=list(PARTS), default="packets", help="what to measure")
    parser.add_argument("--quick", action="store_true", help="less of everything, to have figures soon")
    parser.add_argument("--rounds", type=int, help="how often all of it is measured")
    parser.add_argument("--seconds", type=int, default=600, help="how long the long run lasts")
    packets = parser.add_argument_group("packets")
    names = list(CONTESTANTS)
    packets.add_argument("--peers", nargs="+", choices=names, default=names, help="whom to compare")
    packets.add_argument("--wires", nargs="+", choices=list(WIRES), default=list(WIRES), help="on which wires")
    packets.add_argument(
        "--without", nargs="+", default=[], metavar="NAME", help="beside them, golem-vpn without these techniques"
    )
    return parser


def _packets(console: Console, arguments: argparse.Namespace) -> None:
    plan = QUICK if arguments.quick else FULL
    if arguments.rounds:
        plan = replace(plan, rounds=arguments.rounds)
    written = run_packets(console, chosen(arguments.peers, arguments.wires, arguments.without), plan)
    console.print(f"written to {written.figures} and {written.plot}")


def _long(console: Console, arguments: argparse.Namespace) -> None:
    console.print(f"written to {run_long(console, arguments.seconds)}")


def _net(console: Console, arguments: argparse.Namespace) -> None:
    console.print(f"written to {run_net(console, quick=arguments.quick, rounds=arguments.rounds)}")


def _gate(console: Console, arguments: argparse.Namespace) -> None:
    console.print(f"written to {run_gate(console, quick=arguments.quick, rounds=arguments.rounds)}")


def _api(console: Console, arguments: argparse.Namespace) -> None:
    console.print(f"written to {run_api(console, quick=arguments.quick)}")


def _application(console: Console, arguments: argparse.Namespace) -> None:
    rounds = arguments.rounds or (1 if arguments.quick else 5)
    console.print(f"written to {run_application(console, rounds=rounds)}")


def _presence(console: Console, arguments: argparse.Namespace) -> None:
    console.print(f"written to {run_presence(console, quick=arguments.quick)}")


Part = Callable[[Console, argparse.Namespace], None]
PARTS: dict[str, Part] = {
    "packets": _packets,
    "long": _long,
    "net": _net,
    "gate": _gate,
    "api": _api,
    "application": _application,
    "presence": _presence,
}
NEED_ROOT = (_packets, _long, _net, _gate)
MAKES = dict.fromkeys(PARTS.values(), "make bench") | {_application: "make interop"}


def _fail(status: int, error: str, cure: str | None = None) -> int:
    print(f"error: {error}" + (f"\ncure: {cure}" if cure else ""), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
