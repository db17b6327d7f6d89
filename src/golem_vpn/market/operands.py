"""What the right side of a comparison says, read as whatever the property's type asks for."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import total_ordering

from golem_vpn.market.lazy import lazy

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|[+-]?inf(?:inity)?", re.ASCII | re.IGNORECASE)
_INTEGER = re.compile(r"[+-]?\d{1,40}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:\d{1,200}\.?\d{0,200}|\.\d{1,200})(?:e[+-]?\d{1,4})?", re.ASCII | re.IGNORECASE)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_VERSION = re.compile(
    r"v?(\d{1,18})\.(\d{1,18})\.(\d{1,18})(?:-([0-9a-z-]+(?:\.[0-9a-z-]+)*))?(?:\+[0-9a-z.-]+)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True)
class Operand:
    """The text of a constraint's value, and what it is as a number, a date, a list and so on; none where it isn't."""

    text: str

    @lazy
    def number(self) -> int | float | None:
        """Gives the number, which may be infinite."""
        text = self.text.strip()
        if _INTEGER.fullmatch(text):
            return int(text)
        return float(text) if _NUMBER.fullmatch(text) else None

    @lazy
    def boolean(self) -> bool | None:
        """Gives the truth value."""
        return {"true": True, "false": False}.get(self.text.strip().lower())

    @lazy
    def moment(self) -> datetime | None:
        """Gives the moment, if the text is an RFC 3339 date and time."""
        return read_moment(self.text)

    @lazy
    def decimal(self) -> Decimal | None:
        """Gives the exact decimal number."""
        return read_decimal(self.text)

    @lazy
    def version(self) -> "Version | None":
        """Gives the semantic version."""
        return read_version(self.text)

    @lazy
    def wildcard(self) -> "Wildcard | None":
        """Gives the pattern, if there are asterisks in the text."""
        return Wildcard(tuple(self.text.split("*"))) if "*" in self.text else None

    @lazy
    def items(self) -> "tuple[Operand, ...] | None":
        """Gives the items, if the text is a list like `[a,b]`."""
        text = self.text.strip()
        if not (text.startswith("[") and text.endswith("]") and len(text) > 1):
            return None
        inner = text[1:-1].strip()
        return tuple(Operand(item.strip()) for item in inner.split(",")) if inner else ()


@dataclass(frozen=True)
class Wildcard:
    """Texts that begin, go on and end with these parts, with anything in between."""

    parts: tuple[str, ...]

    def matches(self, text: str) -> bool:
        """Tells whether a text is one of them; never looks at a character of it twice for the same part."""
        first, *middle, last = self.parts
        start, end = len(first), len(text) - len(last)
        if start > end or not text.startswith(first) or not text.endswith(last):
            return False
        for part in middle:
            found = text.find(part, start, end)
            if found < 0:
                return False
            start = found + len(part)
        return True


@total_ordering
@dataclass(frozen=True)
class Version:
    """A semantic version; what follows the plus sign does not count."""

    numbers: tuple[int, int, int]
    stage: tuple[str, ...]

    def __lt__(self, other: "Version") -> bool:
        return self._rank() < other._rank()

    def _rank(self) -> tuple[tuple[int, int, int], bool, list[tuple[bool, int, str]]]:
        # Numbers come before words, and a version without a stage after all its stages.
        stage = [(not it.isdigit(), int(it) if it.isdigit() else 0, it) for it in self.stage]
        return self.numbers, not stage, stage


def read_moment(text: str) -> datetime | None:
    """Reads an RFC 3339 date and time; gives none where the text is no such."""
    text = text.strip()
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_decimal(text: str) -> Decimal | None:
    """Reads an exact decimal number; gives none where the text is no such."""
    text = text.strip()
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


def read_version(text: str) -> Version | None:
    """Reads a semantic version; gives none where the text is no such."""
    found = _VERSION.fullmatch(text.strip())
    if found is None:
        return None
    major, minor, patch, stage = found.groups()
    return Version((int(major), int(minor), int(patch)), tuple(stage.split(".")) if stage else ())
