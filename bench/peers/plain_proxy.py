"""A websocket-to-TCP proxy over the bare wire: what the gate does, without a VPN."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.link import Link
from bench.measures.gate import PORT, serving
from bench.wire import Wire

ADDRESS = "127.0.0.1:7098"


@contextmanager
def plain_proxy(wire: Wire) -> Iterator[Link]:
    """Runs the proxy in the left host."""
    with serving(wire.left, "proxy", ADDRESS, f"{wire.right.address}:{PORT}"):
        yield Link(
            wire.right.address, (), "tokio-tungstenite, over the bare wire", gate=lambda _port: f"ws://{ADDRESS}/"
        )
