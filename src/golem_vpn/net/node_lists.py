"""The lists of nodes that hubs give, merged into one."""

from datetime import UTC, datetime

import anyio
import structlog

from golem_vpn.errors import GolemVpnError
from golem_vpn.net.control import Control
from golem_vpn.net.messages import ListNodes, NodeEntry

NEVER = datetime.min.replace(tzinfo=UTC)

_log = structlog.get_logger(__name__)


class NodeLists:
    """Asks hubs for their lists, and remembers the last one of each."""

    def __init__(self, control: Control, timeout: float) -> None:
        self._control = control
        self._timeout = timeout
        self._last: dict[str, list[NodeEntry]] = {}

    async def merged(self, hubs: list[str]) -> list[NodeEntry]:
        """Lists the nodes of some hubs by node id, each once; a hub that is away counts with its last list."""
        async with anyio.create_task_group() as tasks:
            for hub in hubs:
                tasks.start_soon(self._ask, hub)
        merged: dict[str, NodeEntry] = {}
        for hub in hubs:
            for entry in self._last.get(hub, []):
                present = merged.get(entry.node_id)
                if present is None or _presence(entry) > _presence(present):
                    merged[entry.node_id] = entry
        return [merged[node_id] for node_id in sorted(merged)]

    def forget(self, hub: str) -> None:
        """Drops the last list of a hub."""
        self._last.pop(hub, None)

    async def _ask(self, hub: str) -> None:
        entries: list[NodeEntry] = []
        try:
            after = ""
            while page := await self._page(hub, after):
                if page[0].node_id <= after:
                    break
                entries += page
                after = page[-1].node_id
            self._last[hub] = entries
        except GolemVpnError as error:
            _log.info("directory.list_failed", hub=hub, error=error.message)

    async def _page(self, hub: str, after: str) -> list[NodeEntry]:
        return await self._control.request(hub, ListNodes(after), list[NodeEntry], self._timeout, search=False)


def _presence(entry: NodeEntry) -> tuple[bool, datetime]:
    return entry.online, entry.last_seen or NEVER
