"""The wire itself, without a tunnel."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.link import Link
from bench.wire import MTU, Wire


@contextmanager
def bare_wire(wire: Wire) -> Iterator[Link]:
    """Measures what the wire carries by itself."""
    yield Link(wire.right.address, (), f"MTU {MTU}")
