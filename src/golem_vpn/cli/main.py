"""The command's entry: kept small, because what it imports cannot be interrupted in good order."""

import sys

INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> None:
    """Runs one command and exits: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    try:
        from golem_vpn.cli.app import run

        run(arguments)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
