"""`golem-vpn demo`."""

import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from cyclopts import App, Group
from rich.table import Table

from golem_vpn.cli.commands.local import bring_up
from golem_vpn.cli.console import out, show_json, tell
from golem_vpn.cli.demo.steps import Story, play
from golem_vpn.cli.local_set import ANY_PORT, LocalSet
from golem_vpn.cli.options import Common
from golem_vpn.cli.processes import INTERRUPTIONS
from golem_vpn.cli.session import with_client

PROVIDERS = 2


def register(app: App, group: Group) -> None:
    """Adds the command."""
    app.command(demo, group=group)


def demo(*, common: Common = Common()) -> None:
    """Show everything on this machine: two providers, a private network, payloads that talk, the gate.

    It runs on a throw-away set of daemons of its own; no data folder is touched, and nothing is left behind.
    """
    story = Story()
    start = time.monotonic()
    with throw_away_set(story) as local:
        with_client(local.data_dir, lambda client: play(client, story), what="")
        before_end = time.monotonic()
    story.add("end the daemons", "nothing left behind", time.monotonic() - before_end)
    if common.json:
        show_json([{"title": step.title, "outcome": step.outcome, "seconds": step.seconds} for step in story.steps])
    else:
        _show(story, time.monotonic() - start)


@contextmanager
def throw_away_set(story: Story) -> Iterator[LocalSet]:
    """Runs a local set in a folder that is removed with it, also when the user interrupts."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # So it is in the background of a script. Nothing would end the demo then.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="golem-vpn-demo-") as folder:
        local = LocalSet(Path(folder) / "set")
        start = time.monotonic()
        try:
            bring_up(local, PROVIDERS, ANY_PORT)
            story.add("start a requestor and two providers", "ready", time.monotonic() - start)
            yield local
        finally:
            # An impatient second Ctrl-C must not leave daemons behind, not even one that comes right here.
            try:
                _ignore_interruptions()
            finally:
                _ignore_interruptions()
                tell("ending the daemons")
                local.down()


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Makes any end look like Ctrl-C, which event loops turn into a cancellation."""
    signal.raise_signal(signal.SIGINT)


def _ignore_interruptions() -> None:
    for number in INTERRUPTIONS:
        signal.signal(number, signal.SIG_IGN)


def _show(story: Story, seconds: float) -> None:
    table = Table(title="golem-vpn demo")
    table.add_column("step")
    table.add_column("outcome", overflow="fold")
    table.add_column("seconds", justify="right")
    for step in story.steps:
        table.add_row(step.title, step.outcome, f"{step.seconds:.2f}")
    table.add_section()
    table.add_row("all together", "", f"{seconds:.2f}")
    out.print(table)
