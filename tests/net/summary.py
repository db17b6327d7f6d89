"""What tests measure beside what they assert: it is printed when all of them are done."""

from collections.abc import Callable
from typing import Any

import pytest

Summary = Callable[[str, str], None]
"""Takes a headline, and what to print below it."""

_told = pytest.StashKey[dict[str, list[str]]]()
_HANDED_OVER = "summary"


def summary_of(config: pytest.Config) -> Summary:
    """Gives what takes a run's figures."""
    told = config.stash.setdefault(_told, {})
    return lambda headline, text: told.setdefault(headline, []).append(text)


def hand_over_summary(config: pytest.Config) -> None:
    """Sends the figures to the process that prints them, where that is another one than runs the tests."""
    output: dict[str, Any] | None = getattr(config, "workeroutput", None)
    if output is not None:
        output[_HANDED_OVER] = config.stash.get(_told, {})


def take_summary(config: pytest.Config, output: dict[str, Any]) -> None:
    """Takes the figures that another process has handed over."""
    add = summary_of(config)
    for headline, texts in output.get(_HANDED_OVER, {}).items():
        for text in texts:
            add(headline, text)


def print_summary(terminal: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Prints the figures, in the order of their headlines' first ones."""
    for headline, texts in config.stash.get(_told, {}).items():
        terminal.write_sep("-", headline)
        for text in texts:
            terminal.write_line(text)
