"""The command's entry: kept small, because what it imports cannot be interrupted in good order."""

import sys

INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> None:
    """Runs one command and exits: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    try:
        from golem_vpn.lasting import lasting

        with lasting():
            from golem_vpn.cli.app import build, execute

            app = build()
        execute(app, arguments)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
