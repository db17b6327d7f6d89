"""Asks other nodes for parts of files: not too many at once, and again where a connection was lost."""

from typing import TypeVar

import anyio

from golem_vpn.errors import PeerUnreachable
from golem_vpn.net.control import Control
from golem_vpn.net.wire import Message

MAX_AT_ONCE = 32
"""Below what a node lets another one ask at once, so that other messages go between them meanwhile."""
ANSWER_SECONDS = 60.0
"""A chunk takes its time on a slow line."""
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds to wait before each further attempt."""

T = TypeVar("T")


class Courier:
    """Carries the messages about files; each may be obeyed twice without harm."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._limiter = anyio.CapacityLimiter(MAX_AT_ONCE)

    async def ask(self, node_id: str, message: Message, answer_type: type[T]) -> T:
        """Sends a message until it is answered.

        Raises:
            PeerUnreachable: the node stays away.
            GolemVpnError: it refuses.
        """
        for pause in PAUSES:
            try:
                return await self._ask(node_id, message, answer_type)
            except PeerUnreachable:
                await anyio.sleep(pause)
        return await self._ask(node_id, message, answer_type)

    async def _ask(self, node_id: str, message: Message, answer_type: type[T]) -> T:
        async with self._limiter:
            return await self._control.request(node_id, message, answer_type, timeout=ANSWER_SECONDS)
