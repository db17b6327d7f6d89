"""Tells connected nodes this node's record as soon as it changes; what changes again and again, less and less often."""

from typing import TYPE_CHECKING

import anyio
import structlog

from golem_vpn.errors import GolemVpnError

if TYPE_CHECKING:
    from golem_vpn.net.control import Control

CHECK_SECONDS = 0.5
QUICK_CHANGES = 6
"""A move to another network is several changes, and each of them is to be told at once."""
FORGET_SECONDS = 10.0
"""After this time, one change less counts."""
MAX_DOUBLINGS = 4
MAX_GREETING_AT_ONCE = 32

_log = structlog.get_logger(__name__)


class Announcer:
    """Looks at the own record twice a second, which is cheap as long as it stays as it is."""

    def __init__(self, control: "Control") -> None:
        self._control = control
        self._telling = anyio.CancelScope()

    async def run(self) -> None:
        """Tells what changes."""
        told, recent = self._control.own_record.current(), 0.0
        async with anyio.create_task_group() as tasks:
            while True:
                pause = pause_after(recent)
                await anyio.sleep(pause)
                recent = max(0.0, recent - pause / FORGET_SECONDS)
                if (current := self._control.own_record.current()) is not told:
                    told = current
                    recent += 1
                    # Whoever has not heard of the change before hears of both.
                    self._telling.cancel()
                    self._telling = anyio.CancelScope()
                    tasks.start_soon(self._greet_all, self._telling)

    async def _greet_all(self, scope: anyio.CancelScope) -> None:
        limiter = anyio.CapacityLimiter(MAX_GREETING_AT_ONCE)

        async def greet(node_id: str) -> None:
            async with limiter:
                try:
                    await self._control.connect(node_id)
                except GolemVpnError as error:
                    _log.info("control.record_not_told", node=node_id, error=error.message)

        with scope:
            async with anyio.create_task_group() as tasks:
                for node_id in tuple(self._control.connected):
                    tasks.start_soon(greet, node_id)


def pause_after(recent_changes: float) -> float:
    """Gives how long to wait before looking again."""
    return float(CHECK_SECONDS * 2 ** min(max(0.0, recent_changes - QUICK_CHANGES), MAX_DOUBLINGS))
