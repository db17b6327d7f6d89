"""The command line: what there is, and how an error looks."""

import importlib
import os
import sys

from cyclopts import App, Group

from golem_vpn.cli.console import err
from golem_vpn.cli.failures import explain

HELP = """Private, encrypted IP networks between the payloads of Golem applications.

Begin with `golem-vpn doctor`, which checks this machine, and `golem-vpn demo`, which shows everything on it. Then
`golem-vpn local up` starts a requestor and two providers to work with."""

GROUPS = {
    "This machine": ("doctor", "demo", "local", "daemon"),
    "Nodes": ("hubs", "nodes", "relay", "provider", "payment"),
    "Networks": ("networks", "attachments", "connect", "status"),
    "Applications": ("images", "keys"),
}
"""The modules of the commands, in the order of the help."""


def build() -> App:
    """Puts the commands together."""
    app = App(name="golem-vpn", help=HELP)
    for flag in ("--help", "--version"):
        app[flag].group = "Options"
    for number, (title, modules) in enumerate(GROUPS.items()):
        group = Group(title, sort_key=number)
        for module in modules:
            importlib.import_module(f"golem_vpn.cli.commands.{module}").register(app, group)
    return app


def execute(app: App, arguments: list[str] | None) -> None:
    """Runs one command; one that fails ends the process with exit code 1 and says why."""
    try:
        app(arguments)
    except BrokenPipeError:
        # Whoever read the output has seen enough. Python would complain again when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        explanations = explain(error)
        if not explanations:
            raise
        for cause, cure in explanations:
            err.print(f"error: {cause}", style="red", markup=False)
            err.print(cure, style="dim", markup=False)
        sys.exit(1)
