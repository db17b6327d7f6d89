"""Properties of offers and demands: JSON values under flat keys."""

import math
from collections.abc import Iterator
from typing import Any

import msgspec

from golem_vpn.errors import InvalidInput

MAX_SIZE = 256 * 1024
MAX_COUNT = 4096
MAX_KEY = 512
MAX_DEPTH = 32
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**64 - 1
"""What messages between nodes can carry."""

_PLAIN = (str, bool, int, float, type(None))


def check(properties: Any) -> dict[str, Any]:
    """Gives properties with flat keys: objects within objects become keys with dots.

    Raises:
        InvalidInput: they are no JSON object, too large, or two ways of writing them name the same property.
    """
    if not isinstance(properties, dict):
        raise InvalidInput("properties are a JSON object")
    flat: dict[str, Any] = {}
    for key, value in _flatten("", properties, 0):
        if key in flat:
            raise InvalidInput(f"the property {key[:MAX_KEY]!r} is given twice")
        flat[key] = value
        if len(flat) > MAX_COUNT:
            raise InvalidInput(f"there are at most {MAX_COUNT} properties")
    try:
        size = len(msgspec.json.encode(flat))
    except UnicodeEncodeError:
        raise InvalidInput("a property holds text that is not Unicode") from None
    if size > MAX_SIZE:
        raise InvalidInput(f"properties have at most {MAX_SIZE} bytes as JSON, these have {size}")
    return flat


def _flatten(prefix: str, properties: dict[Any, Any], depth: int) -> Iterator[tuple[str, Any]]:
    if depth > MAX_DEPTH:
        raise InvalidInput(f"properties have at most {MAX_DEPTH} objects within each other")
    for key, value in properties.items():
        if not isinstance(key, str) or not key:
            raise InvalidInput("the name of a property is a text that is not empty")
        name = f"{prefix}.{key}" if prefix else key
        if len(name) > MAX_KEY:
            raise InvalidInput(f"the name of a property has at most {MAX_KEY} characters")
        if isinstance(value, dict):
            yield from _flatten(name, value, depth + 1)
        else:
            _check_value(name, value, depth)
            yield name, value


def _check_value(name: str, value: Any, depth: int) -> None:
    if isinstance(value, list | dict):
        if depth > MAX_DEPTH:
            raise InvalidInput(f"the property {name!r} has more than {MAX_DEPTH} lists within each other")
        for item in value.values() if isinstance(value, dict) else value:
            _check_value(name, item, depth + 1)
    elif not isinstance(value, _PLAIN) or (isinstance(value, float) and not math.isfinite(value)):
        raise InvalidInput(f"the property {name!r} is no JSON value")
    elif isinstance(value, int) and not MIN_INTEGER <= value <= MAX_INTEGER:
        raise InvalidInput(f"the property {name!r} is a whole number of more than 64 bits")
