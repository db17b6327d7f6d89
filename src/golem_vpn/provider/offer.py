"""What this provider offers, and what it takes from a demand."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from golem_vpn.errors import InvalidInput
from golem_vpn.exeunit.runtimes.base import Limits
from golem_vpn.exeunit.status import USAGE_VECTOR
from golem_vpn.images import task_package

TASK_PACKAGE = task_package.PROPERTY
MEMORY = "golem.inf.mem.gib"
STORAGE = "golem.inf.storage.gib"
THREADS = "golem.inf.cpu.threads"

_GIB = 1 << 30


def offer_properties(node_name: str) -> dict[str, Any]:
    """Describes this node and its runtime in the words of Golem's market."""
    return {
        "golem.node.id.name": node_name,
        "golem.runtime.name": "namespace",
        "golem.runtime.capabilities": ["vpn"],
        "golem.srv.caps.multi-activity": True,
        "golem.com.usage.vector": list(USAGE_VECTOR),
        THREADS: len(os.sched_getaffinity(0)),
        MEMORY: round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB, 3),
    }


def task_package_of(demand: dict[str, Any]) -> str | None:
    """Finds the payload's file system that a demand names; none shows the provider's own, read-only.

    Raises:
        InvalidInput: it is named in a way that no provider can follow.
    """
    text = demand.get(TASK_PACKAGE)
    if text is None:
        return None
    task_package.parse(text)
    return str(text)


def limits_of(*sides: Mapping[str, Any]) -> Limits:
    """Finds what payloads may use together: the less of what a demand and an offer say.

    Raises:
        InvalidInput: a limit is not a positive number.
    """
    memory, storage = _least(sides, MEMORY), _least(sides, STORAGE)
    return Limits(
        memory_bytes=None if memory is None else int(memory * _GIB),
        storage_bytes=None if storage is None else int(storage * _GIB),
        cpu_cores=_least(sides, THREADS),
    )


def _least(sides: Sequence[Mapping[str, Any]], name: str) -> float | None:
    named = [amount for side in sides if (amount := _positive(side, name)) is not None]
    return min(named, default=None)


def _positive(side: Mapping[str, Any], name: str) -> float | None:
    value = side.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise InvalidInput(f"{name} has to be a positive number")
    return float(value)
