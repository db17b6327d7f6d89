"""What tests measure beside what they assert: it is printed when all of them are done."""

from collections.abc import Callable

import pytest

Summary = Callable[[str, str], None]
"""Takes a headline, and what to print below it."""

_told = pytest.StashKey[dict[str, list[str]]]()


def summary_of(config: pytest.Config) -> Summary:
    """Gives what takes a run's figures."""
    told = config.stash.setdefault(_told, {})
    return lambda headline, text: told.setdefault(headline, []).append(text)


def print_summary(terminal: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Prints the figures, in the order of their headlines' first ones."""
    for headline, texts in config.stash.get(_told, {}).items():
        terminal.write_sep("-", headline)
        for text in texts:
            terminal.write_line(text)
