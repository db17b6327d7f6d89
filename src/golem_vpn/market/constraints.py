"""The language of constraints: `(&(golem.inf.mem.gib>=0.5)(|(region=eu)(region=us))(!(blocked=*)))`.

Groups are `(&…)` all of, `(|…)` any of, `(!…)` not; a comparison is `(name operator value)`, where the value goes up to
the closing bracket; `(name=*)` asks whether a property is there. Between brackets there may be white space.
"""

import re
from typing import NoReturn

from golem_vpn.errors import InvalidInput
from golem_vpn.market.comparison import EQUAL, OPERATORS, READINGS, UNEQUAL, Comparison
from golem_vpn.market.expression import All, AnyOf, Expression, Not, Presence

__all__ = ["Expression", "parse"]

MAX_LENGTH = 64 * 1024
MAX_DEPTH = 64
MAX_TERMS = 1024
"""How many groups and comparisons one expression may have."""

_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[^=<>~()]*")
_OPERATOR = re.compile("|".join(sorted(OPERATORS, key=len, reverse=True)))
_VALUE = re.compile(r"[^)]*")
_NAME_AND_READING = re.compile(rf"(.+?)(?:\$([{''.join(READINGS)}]))?", re.DOTALL)


def parse(text: str) -> Expression:
    """Reads an expression.

    Raises:
        InvalidInput: it is none; says where, and what was expected there.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidInput(f"constraints have at most {MAX_LENGTH} characters, these have {len(text)}")
    parser = _Parser(text)
    expression = parser.expression(depth=1)
    parser.expect_end()
    return expression


class _Parser:
    """Goes through a text once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._terms = 0

    def expression(self, depth: int) -> Expression:
        """Reads one expression in brackets, and the white space after it."""
        if depth > MAX_DEPTH:
            self._fail(f"no more than {MAX_DEPTH} brackets within each other")
        if self._terms == MAX_TERMS:
            self._fail(f"no more than {MAX_TERMS} groups and comparisons")
        self._terms += 1
        self._skip_space()
        self._expect("(", "'('")
        self._skip_space()
        expression = self._inside(depth)
        self._expect(")", "')'")
        self._skip_space()
        return expression

    def expect_end(self) -> None:
        """Checks that nothing follows."""
        if self._at < len(self._text):
            self._fail("nothing after the last ')'")

    def _inside(self, depth: int) -> Expression:
        match self._next():
            case "&":
                return All(self._parts(depth))
            case "|":
                return AnyOf(self._parts(depth))
            case "!":
                self._at += 1
                return Not(self.expression(depth + 1))
            case ")":
                return All(())
            case _:
                return self._comparison()

    def _parts(self, depth: int) -> tuple[Expression, ...]:
        self._at += 1
        self._skip_space()
        parts = []
        while self._next() == "(":
            parts.append(self.expression(depth + 1))
        if self._next() != ")":
            self._fail("'(' or ')'")
        return tuple(parts)

    def _comparison(self) -> Expression:
        start = self._at
        named = _NAME_AND_READING.fullmatch(self._take(_NAME).rstrip())
        if named is None:
            self._at = start
            self._fail("'&', '|', '!', ')' or the name of a property")
        if not (operator := self._take(_OPERATOR)):
            self._fail("one of " + " ".join(OPERATORS))
        name, reading = named.groups(default="")
        value = self._take(_VALUE)
        if value.rstrip() == "*" and operator in (EQUAL, UNEQUAL):
            return Presence(name) if operator == EQUAL else Not(Presence(name))
        return Comparison(name, operator, value, reading)

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip_space(self) -> None:
        self._take(_SPACE)

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found.group()

    def _expect(self, character: str, description: str) -> None:
        if self._next() != character:
            self._fail(description)
        self._at += 1

    def _fail(self, expected: str) -> NoReturn:
        line = self._text.count("\n", 0, self._at) + 1
        column = self._at - (self._text.rfind("\n", 0, self._at) + 1) + 1
        found = repr(self._text[self._at : self._at + 20]) if self._next() else "the end"
        raise InvalidInput(f"constraints, line {line}, column {column}: expected {expected}, found {found}")
