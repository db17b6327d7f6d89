"""Keeping hubs attached: each by a task of its own, that comes back when its hub was away."""

from collections.abc import Awaitable, Callable

import anyio
import structlog
from anyio.abc import TaskGroup

from golem_vpn.errors import Forbidden, GolemVpnError
from golem_vpn.net.backoff import Backoff

RECONCILE_SECONDS = 60.0
"""After this time a hub is asked again for what it may have told in vain."""

Attach = Callable[[str], Awaitable[bool]]
"""Attaches this node to a hub by its node id; says no where the hub is none to be kept any more."""
AttachListener = Callable[[], None]

_log = structlog.get_logger(__name__)


class HubKeeping:
    """Attaches to hubs, again and again, and notices when that is to be done anew."""

    def __init__(self, attach: Attach) -> None:
        self._attach = attach
        self._lost: dict[str, anyio.Event] = {}
        """Set when the connection to a hub is lost, or it has to be asked anew."""
        self._scopes: dict[str, anyio.CancelScope] = {}
        self._listeners: list[AttachListener] = []

    def on_attached(self, listener: AttachListener) -> None:
        """Adds a listener that hears whenever a hub can be asked anew."""
        self._listeners.append(listener)

    def start(self, tasks: TaskGroup, hub_id: str) -> None:
        """Begins with a hub."""
        self._scopes[hub_id] = anyio.CancelScope()
        tasks.start_soon(self._run, hub_id, self._scopes[hub_id])

    def stop(self, hub_id: str) -> None:
        """Ends with a hub."""
        self._scopes.pop(hub_id, anyio.CancelScope()).cancel()

    def ask_anew(self, hub_id: str) -> None:
        """Has a hub attached once more, as what it told may be lost; one that is not kept is no matter."""
        if hub_id in self._lost:
            self._lost[hub_id].set()

    async def _run(self, hub_id: str, scope: anyio.CancelScope) -> None:
        with scope:
            await self._keep(hub_id)

    async def _keep(self, hub_id: str) -> None:
        backoff, attached = Backoff(), False
        while True:
            self._lost[hub_id] = lost = anyio.Event()
            try:
                if not await self._attach(hub_id):
                    return
            except Forbidden as error:
                _log.error("directory.hub_refuses", hub=hub_id, error=error.message)
            except GolemVpnError as error:
                _log.info("directory.hub_away", hub=hub_id, error=error.message)
            else:
                backoff.reset()
                if not attached:
                    self._tell_attached()
                with anyio.move_on_after(RECONCILE_SECONDS):
                    await lost.wait()
                if attached := not lost.is_set():
                    continue
            attached = False
            await backoff.pause()

    def _tell_attached(self) -> None:
        for listener in tuple(self._listeners):
            listener()
