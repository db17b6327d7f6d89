"""The meaning of constraints once more, as simply as can be, for comparing with; and examples of all of it.

Here a constraint is a nested tuple: `("&", a, b)`, `("|", a, b)`, `("!", a)`, `("has", name)`, or
`(name, operator, value)`.
"""

import fnmatch
import re
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

Tree = tuple[Any, ...]


def write(tree: Tree, space: str = "") -> str:
    """Writes a constraint in the language, with white space wherever it may be."""
    match tree:
        case ("&" | "|" | "!" as group, *parts):
            inside = "".join(write(part, space) + space for part in parts)
            return f"({space}{group}{space}{inside})"
        case ("has", name):
            return f"({space}{name}=*)"
        case (name, operator, value):
            return f"({space}{name}{operator}{value})"
        case _:
            raise ValueError(tree)


def holds(tree: Tree, properties: dict[str, Any]) -> bool | None:
    """Tells whether a constraint is so; none where that can't be told."""
    match tree:
        case ("&", *parts):
            outcomes = [holds(part, properties) for part in parts]
            return False if False in outcomes else None if None in outcomes else True
        case ("|", *parts):
            outcomes = [holds(part, properties) for part in parts]
            return True if True in outcomes else None if None in outcomes else False
        case ("!", part):
            return {True: False, False: True, None: None}[holds(part, properties)]
        case ("has", name):
            return properties.get(name) is not None
        case (name, operator, value):
            return None if properties.get(name) is None else compare(properties[name], operator, value)
        case _:
            raise ValueError(tree)


def compare(have: Any, operator: str, value: str) -> bool:
    """Tells whether a property's value stands so to a constraint's value."""
    if operator == "<>":
        return not compare(have, "=", value)
    if isinstance(have, list):
        return operator == "=" and in_list(have, value)
    if isinstance(have, bool):
        return operator == "=" and value.strip().lower() == str(have).lower()
    if isinstance(have, int | float):
        try:
            return ordered(have, operator, float(value))
        except ValueError:
            return False
    if operator == "=" and "*" in value:
        return re.fullmatch(fnmatch.translate(value.replace("[", "[[]").replace("?", "[?]")), have) is not None
    if (left := moment(have)) and (right := moment(value)):
        return ordered(left, operator, right)
    return ordered(have, operator, value)


def ordered(left: Any, operator: str, right: Any) -> bool:
    return bool(
        {"=": left == right, "<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator]
    )


def in_list(have: list[Any], value: str) -> bool:
    if not (value.startswith("[") and value.endswith("]")):
        return any(compare(item, "=", value) for item in have)
    wanted = [item.strip() for item in value[1:-1].split(",")] if value[1:-1].strip() else []
    if len(have) != len(wanted):
        return False
    table = [[compare(item, "=", want) for want in wanted] for item in have]
    return all(map(any, table)) and all(map(any, zip(*table, strict=True)))


def moment(text: str) -> datetime | None:
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", text) is None:
        return None
    return datetime.fromisoformat(text)


# Few names and values, so that constraints often meet properties.
NAMES = st.sampled_from(["a", "golem.b", "c-d?", "e{30}"])
NUMBERS = st.sampled_from([0, 1, -1, 0.5, 1.0, 2.5, 10, 1e9, 9007199254740992])
TEXTS = st.sampled_from(
    ["", "a", "ab", "abc", "b c", "1", "2.5", "true", "vpn", "inet", "a[b", "?", "inf"]
) | st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2026-06-01T00:00:00Z"])
PLAIN = NUMBERS | TEXTS | st.booleans()
PROPERTIES = st.dictionaries(NAMES, PLAIN | st.none() | st.lists(PLAIN, max_size=3), max_size=4)

_WILDCARDS = st.sampled_from(["a*", "*c", "a*c", "**b*", "*-01-01*", "[*"])
_NUMERALS = NUMBERS.map(str) | st.sampled_from(["inf", "-inf", "+1", "1.", ".5", "1e0", "x1"])
_PLAIN_VALUES = TEXTS | _WILDCARDS | _NUMERALS | st.sampled_from(["true", "False"])
_LISTS = st.lists(_PLAIN_VALUES.filter(lambda text: "[" not in text), max_size=3).map(
    lambda items: f"[{','.join(items)}]"
)
OPERATORS = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
COMPARISONS = st.tuples(NAMES, OPERATORS, _PLAIN_VALUES | _LISTS)
TREES: st.SearchStrategy[Tree] = st.recursive(
    COMPARISONS | st.tuples(st.just("has"), NAMES),
    lambda inner: (
        st.tuples(st.just("!"), inner)
        | st.tuples(st.sampled_from("&|"), st.lists(inner, max_size=4)).map(lambda group: (group[0], *group[1]))
    ),
    max_leaves=8,
)
