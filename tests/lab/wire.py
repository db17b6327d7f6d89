"""Wires between namespaces: perfect ones by the kernel, and ones that do harm by the bridge of `native/lab`."""

import subprocess
from pathlib import Path

from tests.lab.namespace import Namespace

BRIDGE = Path(__file__).parents[2] / "target" / "release" / "golem-vpn-lab"

Setting = float
End = tuple[Namespace, str]
"""A namespace and the interface in it."""


def join(left: End, right: End) -> None:
    """Joins two namespaces by a wire without faults."""
    (near, interface), (far, other) = left, right
    near.ip(f"link add {interface} type veth peer name {other} netns {far.name}")
    _set_up(left, right)


class Wire:
    """A wire that delays, loses, doubles, reorders and paces packets, and swallows those that are too long."""

    def __init__(self, left: End, right: End) -> None:
        ends = [f"{namespace.name}:{interface}" for namespace, interface in (left, right)]
        self._process = subprocess.Popen([BRIDGE, *ends], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if (said := self._line()) != "ready":
            raise RuntimeError(f"the bridge did not start: {said!r}")
        _set_up(left, right)

    def impair(self, direction: str = "both", /, **settings: Setting) -> None:
        """Changes what happens to packets `forth` (from the left end), `back` or in `both` directions.

        Args:
            direction: Which packets.
            settings: `delay` and `hold` (of reordered packets) in milliseconds; `loss`, `duplicate` and `reorder` as
                probabilities; `rate` in Mbit/s; `queue` and `mtu` in bytes. What isn't named stays.
        """
        answer = self._ask(f"{direction} " + " ".join(f"{name}={value}" for name, value in settings.items()))
        if answer != "ok":
            raise ValueError(answer)

    def counters(self) -> list[dict[str, int]]:
        """Tells what became of packets, forth and back: `delivered`, `lost`, `too_long`, `queue_full`, …."""
        pairs = [pair.split("=") for pair in self._ask("counters").split()]
        half = len(pairs) // 2
        return [{name: int(count) for name, count in part} for part in (pairs[:half], pairs[half:])]

    def close(self) -> None:
        """Ends the bridge; the interfaces go with it."""
        self._process.communicate(timeout=10)

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def _set_up(*ends: End) -> None:
    for namespace, interface in ends:
        namespace.ip(f"link set {interface} up")
