from typing import Any

import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.market import properties


def test_flat_keys_stay_as_they_are() -> None:
    given = {"golem.inf.mem.gib": 0.5, "a?": True, "l": [1, "x", [None]], "n": None, "": 1} | {"t": "text"}
    del given[""]
    assert properties.check(given) == given


def test_objects_become_keys_with_dots() -> None:
    assert properties.check({"golem": {"inf": {"mem.gib": 1}, "x": [{"y": 1}]}, "e": {}}) == {
        "golem.inf.mem.gib": 1,
        "golem.x": [{"y": 1}],
    }


def nested(depth: int, make: Any) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = make(value)
    return value


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "JSON object"),
        (None, "JSON object"),
        ({"a": {"b": 1}, "a.b": 2}, "'a.b' is given twice"),
        ({1: 2}, "a text"),
        ({"": 2}, "not empty"),
        ({"a": float("nan")}, "no JSON value"),
        ({"a": [float("inf")]}, "no JSON value"),
        ({"a": {1, 2}}, "no JSON value"),
        ({"a": 2**64}, "more than 64 bits"),
        ({"a": [-(2**63) - 1]}, "more than 64 bits"),
        ({"a": "\ud800"}, "not Unicode"),
        ({"a" * 513: 1}, "at most 512 characters"),
        ({"a": "b" * 300_000}, "at most 262144 bytes"),
        ({str(number): 1 for number in range(5000)}, "at most 4096 properties"),
        ({"a": nested(40, lambda value: [value])}, "within each other"),
        ({"a": nested(40, lambda value: {"b": value})}, "within each other"),
    ],
)
def test_what_is_refused(given: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        properties.check(given)
