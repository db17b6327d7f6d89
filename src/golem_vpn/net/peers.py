"""The nodes that this one shares networks with: where they are, kept connected, and known to the data plane.

Their signed records alone let sessions begin; the connection tells at once when one of them comes, goes or restarts.

A few are all followed: looked up, and kept connected. Of many, each following all others, that would be millions of
connections and records that nobody needs. Then a node follows the steady ones, which tell it of the networks, and
those that the data plane asks for because packets wait for them. Whoever is asked for learns of the asker by its hello.
Who sought a node ends the connection when nothing was asked over it for a while: as long as packets flow, their
sessions are renewed over it each two minutes. The data plane makes the next one by itself, when packets come again.
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
FEW = 64
"""Up to so many nodes are all followed, so that their first packet waits for nothing."""
MAX_SOUGHT = 512
"""How many nodes are followed because packets waited for them; the one that was sought longest ago gives way."""

IDLE_SECONDS = 300.0
"""After this time without a use the connection to a node that was sought is ended."""
IDLE_CHECK_SECONDS = 30.0

_log = structlog.get_logger(__name__)


class Peers:
    """Knows the nodes of the networks, and follows those of them that are needed."""

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
        self._steady: frozenset[str] = frozenset()
        self._sought: dict[str, float] = {}
        """The nodes that packets waited for, and when they did last, the latest at the end."""
        self._wanted: set[str] = set()
        self._followed: dict[str, anyio.CancelScope] = {}
        self._wakers: dict[str, anyio.Event] = {}
        self._limiter = anyio.CapacityLimiter(MAX_CONNECTING_AT_ONCE)
        self._tasks: TaskGroup | None = None
        control.on_presence(self._on_presence)
        control.book.on_change(self._on_record)
        directory.on_attached(self._on_attached)
        directory.relays.on_change(self._on_relays)
        exclusions.on_change(lambda _changed: self.want(self._asked_for, self._steady))

    @property
    def wanted(self) -> Collection[str]:
        """The welcome nodes that this one shares networks with."""
        return self._wanted

    @property
    def followed(self) -> Collection[str]:
        """Those of them that are kept connected."""
        return self._followed.keys()

    def want(self, node_ids: Collection[str], steady: Collection[str] = ()) -> None:
        """Takes these nodes from now on, as far as they are welcome, and no others; the steady ones are followed."""
        self._asked_for, self._steady = frozenset(node_ids), frozenset(steady)
        welcome = {node_id for node_id in node_ids if node_id not in self._exclusions}
        for node_id in self._wanted - welcome:
            self._drop(node_id)
        for node_id in welcome - self._wanted:
            self._add(node_id)
        self._choose()

    async def run(self) -> None:
        """Keeps the followed nodes connected, and looks for those that packets wait for."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            for node_id in tuple(self._followed):
                tasks.start_soon(self._keep_connected, node_id)
            tasks.start_soon(self._part_with_idle)
            try:
                while True:
                    self._seek(await self._topology.next_wanted())
            finally:
                self._tasks = None

    def _add(self, node_id: str) -> None:
        self._wanted.add(node_id)
        self._records.keep("peers", node_id)
        if (known := self._control.book.find(node_id)) is not None:
            self._point_to(known.record)

    def _drop(self, node_id: str) -> None:
        self._wanted.discard(node_id)
        self._sought.pop(node_id, None)
        self._unfollow(node_id)
        self._records.release("peers", node_id)
        self._control.release(node_id)
        self._topology.forget_peer(node_id)

    def _seek(self, node_id: str) -> None:
        if node_id not in self._wanted:
            return
        self._sought.pop(node_id, None)
        self._sought[node_id] = anyio.current_time()
        if len(self._sought) > MAX_SOUGHT:
            del self._sought[next(iter(self._sought))]
        self._choose()
        if node_id not in self._control.connected:
            self._wake(node_id)

    def _choose(self) -> None:
        """Begins to follow who is needed, and ends it for all others."""
        few = len(self._wanted) <= FEW
        needed = self._wanted if few else self._wanted & (self._steady | self._sought.keys())
        for node_id in self._followed.keys() - needed:
            self._unfollow(node_id)
        for node_id in needed - self._followed.keys():
            self._follow(node_id)

    async def _part_with_idle(self) -> None:
        while True:
            await anyio.sleep(IDLE_CHECK_SECONDS)
            recently = anyio.current_time() - IDLE_SECONDS
            for node_id, since in tuple(self._sought.items()):
                if since > recently or self._is_needed_anyway(node_id):
                    continue
                if self._control.part(node_id, IDLE_SECONDS):
                    _log.debug("peers.parted", node=node_id)
                    del self._sought[node_id]
            self._choose()

    def _is_needed_anyway(self, node_id: str) -> bool:
        """Tells whether something else than packets wants a connection to a node."""
        return len(self._wanted) <= FEW or node_id in self._steady or self._directory.relies_on(node_id)

    def _follow(self, node_id: str) -> None:
        self._followed[node_id] = anyio.CancelScope()
        if self._tasks is not None:
            self._tasks.start_soon(self._keep_connected, node_id)

    def _unfollow(self, node_id: str) -> None:
        """Leaves a node alone; a connection that stands stays, and so does what the data plane knows."""
        if (scope := self._followed.pop(node_id, None)) is not None:
            scope.cancel()
            self._wakers.pop(node_id, None)

    async def _keep_connected(self, node_id: str) -> None:
        scope = self._followed.get(node_id)
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
        known = self._control.book.find(node_id)
        if known is not None and node_id in self._wanted:
            self._point_to(known.record)

    def _point_to(self, record: NodeRecord) -> None:
        self._control.keep(record)
        relays = self._control.names.localize(record.relays)
        self._topology.set_peer(record.node_id, record.packet_addresses, relays, record.carrier_id or None)

    def _on_record(self, old: NodeRecord | None, new: KnownRecord) -> None:
        record = new.record
        if record.node_id not in self._wanted:
            return
        if old is not None or record.node_id not in self._followed:
            # A followed one hears a hello first: to a handshake alone it would answer that it knows nobody.
            self._point_to(record)
        if old is not None and old.boot_id != record.boot_id:
            _log.info("peers.restarted", node=record.node_id)
            self._topology.reset_peer(record.node_id)
        self._wake(record.node_id)

    def _on_presence(self, node_id: str, connected: bool) -> None:
        if node_id in self._followed:
            self._wake(node_id)

    def _on_relays(self) -> None:
        """Points to everyone anew: this node may reach the relays of others at other addresses than before."""
        for node_id in self._wanted:
            if (known := self._control.book.find(node_id)) is not None:
                self._point_to(known.record)

    def _on_attached(self) -> None:
        if self._tasks is not None and self._followed:
            self._tasks.start_soon(self._directory.look_up_all, list(self._followed))

    def _news(self, node_id: str) -> anyio.Event:
        waker = self._wakers[node_id] = anyio.Event()
        return waker

    def _wake(self, node_id: str) -> None:
        if (waker := self._wakers.get(node_id)) is not None:
            waker.set()
