"""What commands print: tables for people, JSON for programs, progress and errors on stderr."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

out = Console(highlight=False, soft_wrap=True)
wide = Console(highlight=False, width=500)
"""For rows that may be longer than the terminal is wide: they wrap there, and nothing of them is cut off."""
err = Console(stderr=True, highlight=False, soft_wrap=True)


def tell(line: str) -> None:
    """Prints a line of progress."""
    err.print(line, style="dim")


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Shows that something is going on; only to people, and only while it is."""
    if not err.is_terminal:
        yield
        return
    with err.status(what):
        yield


def show_json(value: object) -> None:
    """Prints one JSON document."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def show_rows(columns: Mapping[str, str], rows: Iterable[Any], as_json: bool) -> None:
    """Prints objects, as JSON or as a table.

    Args:
        columns: heading of each column, and the attribute it shows.
        rows: the objects.
        as_json: whether to print the objects whole.
    """
    objects = list(rows)
    if as_json:
        show_json(objects)
        return
    table = Table(box=None, pad_edge=False)
    for heading in columns:
        table.add_column(heading, no_wrap=True, overflow="ignore")
    for item in objects:
        table.add_row(*(_cell(getattr(item, attribute)) for attribute in columns.values()))
    wide.print(table)


def show_object(fields: Mapping[str, object], value: object, as_json: bool) -> None:
    """Prints one object, as JSON or as lines of name and value."""
    if as_json:
        show_json(value)
        return
    width = max(map(len, fields), default=0)
    for name, content in fields.items():
        out.print(f"{name:<{width}}  {_cell(content)}", markup=False)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    return str(value)
