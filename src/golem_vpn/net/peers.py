"""The nodes that this one shares networks with: where they are, kept connected, and known to the data plane.

Their signed records alone let sessions begin; the connection tells at once when one of them comes, goes or restarts.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING

import anyio
import structlog

from golem_vpn.errors import GolemVpnError
from golem_vpn.net.backoff import Backoff
from golem_vpn.net.control import Control
from golem_vpn.net.dataplane import Topology
from golem_vpn.net.directory import Directory
from golem_vpn.net.exclusions import Exclusions
from golem_vpn.net.record import KnownRecord, NodeRecord
from golem_vpn.net.records import KeptRecords

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

MAX_CONNECTING_AT_ONCE = 64
CONNECT_TIMEOUT = 3.0

_log = structlog.get_logger(__name__)


class Peers:
    """Follows the nodes that are wanted."""

    def __init__(
        self,
        control: Control,
        topology: Topology,
        directory: Directory,
        records: KeptRecords,
        exclusions: Exclusions,
    ) -> None:
        self._control = control
        self._topology = topology
        self._directory = directory
        self._records = records
        self._exclusions = exclusions
        self._asked_for: frozenset[str] = frozenset()
        self._wanted: dict[str, anyio.CancelScope] = {}
        self._wakers: dict[str, anyio.Event] = {}
        self._limiter = anyio.CapacityLimiter(MAX_CONNECTING_AT_ONCE)
        self._tasks: TaskGroup | None = None
        control.on_presence(self._on_presence)
        control.book.on_change(self._on_record)
        directory.on_attached(self._on_attached)
        directory.relays.on_change(self._on_relays)
        exclusions.on_change(lambda _changed: self.want(self._asked_for))

    @property
    def wanted(self) -> Collection[str]:
        """The nodes that are followed."""
        return self._wanted.keys()

    def want(self, node_ids: Collection[str]) -> None:
        """Follows these nodes from now on, as far as they are welcome, and no others."""
        self._asked_for = frozenset(node_ids)
        welcome = {node_id for node_id in node_ids if node_id not in self._exclusions}
        for node_id in self._wanted.keys() - welcome:
            self._drop(node_id)
        for node_id in welcome - self._wanted.keys():
            self._add(node_id)

    async def run(self) -> None:
        """Keeps the wanted nodes connected."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            for node_id in tuple(self._wanted):
                tasks.start_soon(self._follow, node_id)
            await anyio.sleep_forever()

    def _add(self, node_id: str) -> None:
        self._wanted[node_id] = anyio.CancelScope()
        self._records.keep("peers", node_id)
        if (known := self._control.book.find(node_id)) is not None:
            self._point_to(known.record)
        if self._tasks is not None:
            self._tasks.start_soon(self._follow, node_id)

    def _drop(self, node_id: str) -> None:
        self._wanted.pop(node_id).cancel()
        self._wakers.pop(node_id, None)
        self._records.release("peers", node_id)
        self._control.release(node_id)
        self._topology.forget_peer(node_id)

    async def _follow(self, node_id: str) -> None:
        scope = self._wanted.get(node_id)
        if scope is None:
            return
        with scope:
            backoff = Backoff()
            while True:
                await self._connect(node_id)
                while node_id in self._control.connected:
                    backoff.reset()
                    await self._news(node_id).wait()
                await backoff.pause(self._news(node_id))

    async def _connect(self, node_id: str) -> None:
        try:
            async with self._limiter:
                await self._control.connect(node_id, CONNECT_TIMEOUT)
        except GolemVpnError as error:
            _log.debug("peers.not_connected", node=node_id, error=error.message)
            # It may be somewhere else by now; what the hubs know of it comes in through the book.
            await self._directory.look_up(node_id)

    def _point_to(self, record: NodeRecord) -> None:
        self._control.keep(record)
        relays = self._control.names.localize(record.relays)
        self._topology.set_peer(record.node_id, record.packet_addresses, relays, record.carrier_id or None)

    def _on_record(self, old: NodeRecord | None, new: KnownRecord) -> None:
        record = new.record
        if record.node_id not in self._wanted:
            return
        self._point_to(record)
        if old is not None and old.boot_id != record.boot_id:
            _log.info("peers.restarted", node=record.node_id)
            self._topology.reset_peer(record.node_id)
        self._wake(record.node_id)

    def _on_presence(self, node_id: str, connected: bool) -> None:
        if node_id in self._wanted:
            self._wake(node_id)

    def _on_relays(self) -> None:
        """Points to everyone anew: this node may reach the relays of others at other addresses than before."""
        for node_id in self._wanted:
            if (known := self._control.book.find(node_id)) is not None:
                self._point_to(known.record)

    def _on_attached(self) -> None:
        if self._tasks is not None and self._wanted:
            self._tasks.start_soon(self._directory.look_up_all, list(self._wanted))

    def _news(self, node_id: str) -> anyio.Event:
        waker = self._wakers[node_id] = anyio.Event()
        return waker

    def _wake(self, node_id: str) -> None:
        if (waker := self._wakers.get(node_id)) is not None:
            waker.set()
