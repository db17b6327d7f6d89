"""The command line: what there is, and how an error looks."""

import importlib
import sys

from cyclopts import App

from golem_vpn.cli.console import err
from golem_vpn.errors import GolemVpnError

COMMANDS = ("daemon", "local", "nodes", "keys", "networks", "attachments", "connect", "status", "doctor", "demo")

INTERRUPTED = 130


def build() -> App:
    """Puts the commands together."""
    app = App(name="golem-vpn", help="Private, encrypted IP networks between the payloads of Golem applications.")
    app["--version"].group = "Session parameters"
    for module in COMMANDS:
        importlib.import_module(f"golem_vpn.cli.commands.{module}").register(app)
    return app


def main(arguments: list[str] | None = None) -> None:
    """Runs one command and exits: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    try:
        build()(arguments)
    except GolemVpnError as error:
        err.print(f"error: {error.message}", style="red", markup=False)
        if cure := (type(error).__doc__ or "").strip():
            err.print(cure, style="dim", markup=False)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
