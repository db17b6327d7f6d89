"""Brings the newest documents of this node's networks to everyone whom they concern, however long that takes.

What is to be told is in the store before it is told, and stays there until the node confirmed it: no lost message, and
no restart on either side, loses it. Who confirmed is stored for many nodes at once: after a crash some are told twice.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

import anyio
import structlog

from golem_vpn.errors import GolemVpnError, PeerUnreachable
from golem_vpn.net.amendment import Amendments
from golem_vpn.net.backoff import Backoff
from golem_vpn.net.control import Control
from golem_vpn.net.messages import Confirmed, UpdateNetwork
from golem_vpn.net.record import KnownRecord, NodeRecord
from golem_vpn.net.shelf import KnownDocument, Shelf
from golem_vpn.store.network_documents import NetworkDocumentRepository

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

MAX_TELLING_AT_ONCE = 256
MAX_DIALLING_AT_ONCE = 64
"""How many nodes are told that have to be reached first; those who are away hold up nobody who is there."""
TELL_TIMEOUT = 15.0
"""A node that is gone is noticed much earlier; one that is slow would have to begin anew."""
GATHER_SECONDS = 0.3
"""How long a node that was told is left alone, so that changes that follow each other quickly are told as one; a slow
one is left alone for as long as it took."""
STORE_SECONDS = 0.5
"""How long confirmations are gathered until they are stored."""

_log = structlog.get_logger(__name__)


class Herald:
    """Tells each node of the documents that it has not confirmed yet."""

    def __init__(self, control: Control, shelf: Shelf, repository: NetworkDocumentRepository) -> None:
        self._control = control
        self._shelf = shelf
        self._repository = repository
        self._pending: defaultdict[str, set[str]] = defaultdict(set)
        self._confirmed: defaultdict[tuple[str, int, bool], list[str]] = defaultdict(list)
        """Who confirmed what since the last storing: by network, version, and whether that has the node as a member."""
        self._unstored = anyio.Event()
        self._wakers: dict[str, anyio.Event] = {}
        self._tasks: TaskGroup | None = None
        self._telling = anyio.CapacityLimiter(MAX_TELLING_AT_ONCE)
        self._dialling = anyio.CapacityLimiter(MAX_DIALLING_AT_ONCE)
        self._amendments = Amendments()
        self._versions: dict[tuple[str, str], int] = {}
        """What nodes confirmed since the start, by node and network."""
        control.on_presence(self._on_presence)
        control.book.on_change(self._on_record)

    async def open(self) -> None:
        """Recalls what is still to be told."""
        for item in await self._repository.unconfirmed():
            self._pending[item.node_id].add(item.network_id)

    async def run(self) -> None:
        """Tells what is to be told."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            for node_id in tuple(self._pending):
                self._wake(node_id)
            try:
                await self._store_confirmations()
            finally:
                self._tasks = None

    def announce(self, newest: KnownDocument, node_ids: Iterable[str]) -> None:
        """Begins to tell nodes of a network's newest document, which is stored with them already."""
        self._amendments.note(newest)
        for node_id in node_ids:
            self._pending[node_id].add(newest.document.id)
            # Who could not be reached is not easier to reach now; many that are away would cost each change a search.
            if node_id not in self._wakers or node_id in self._control.connected:
                self._wake(node_id)

    def concerns(self, network_id: str, node_id: str) -> bool:
        """Tells whether a node has yet to confirm a network's newest document."""
        return network_id in self._pending.get(node_id, ())

    def _wake(self, node_id: str) -> None:
        if (waker := self._wakers.get(node_id)) is not None:
            waker.set()
        elif self._tasks is not None:
            self._wakers[node_id] = anyio.Event()
            self._tasks.start_soon(self._tell_node, node_id)

    async def _tell_node(self, node_id: str) -> None:
        backoff = Backoff()
        while networks := self._pending.get(node_id):
            waker = self._wakers[node_id] = anyio.Event()
            async with self._telling if node_id in self._control.connected else self._dialling:
                began = anyio.current_time()
                told = await self._tell_all(node_id, sorted(networks))
            if told:
                backoff.reset()
                await anyio.sleep(max(GATHER_SECONDS, anyio.current_time() - began))
            else:
                await backoff.pause(waker)
        self._pending.pop(node_id, None)
        del self._wakers[node_id]

    async def _tell_all(self, node_id: str, network_ids: list[str]) -> bool:
        complete = True
        for network_id in network_ids:
            try:
                await self._tell(node_id, network_id)
            except GolemVpnError as error:
                _log.info("herald.not_told", node=node_id, network=network_id, error=error.message)
                complete = False
                if isinstance(error, PeerUnreachable):
                    break
        return complete

    async def _tell(self, node_id: str, network_id: str) -> None:
        known = self._shelf.find(network_id)
        if known is None:
            self._pending[node_id].discard(network_id)
            return
        confirmed = await self._bring(node_id, known)
        self._versions[node_id, network_id] = confirmed.version
        if confirmed.version < known.document.version:
            raise GolemVpnError(f"it is at version {confirmed.version} of {network_id}")
        if self._shelf.find(network_id) is known:
            self._pending[node_id].discard(network_id)
            member = node_id in known.document.node_ids
            self._confirmed[network_id, known.document.version, member].append(node_id)
            if not member:
                del self._versions[node_id, network_id]
            self._unstored.set()

    async def _bring(self, node_id: str, known: KnownDocument) -> Confirmed:
        """Tells a node what is new to it, or all where that does not make it follow."""
        since = self._versions.get((node_id, known.document.id), 0)
        if (amendment := self._amendments.find(known, since)) is not None:
            try:
                confirmed = await self._control.request(node_id, amendment, Confirmed, TELL_TIMEOUT)
                if confirmed.version >= known.document.version:
                    return confirmed
            except PeerUnreachable:
                raise
            except GolemVpnError as error:
                _log.info("herald.amendment_refused", node=node_id, network=known.document.id, error=error.message)
        return await self._control.request(node_id, UpdateNetwork(known.signed), Confirmed, TELL_TIMEOUT)

    async def _store_confirmations(self) -> None:
        while True:
            await self._unstored.wait()
            self._unstored = anyio.Event()
            await anyio.sleep(STORE_SECONDS)
            confirmed = dict(self._confirmed)
            self._confirmed.clear()
            for (network_id, version, member), node_ids in confirmed.items():
                store = self._repository.confirm if member else self._repository.dismiss
                await store(network_id, node_ids, version)

    def _on_record(self, _old: NodeRecord | None, new: KnownRecord) -> None:
        if new.record.node_id in self._pending:
            self._wake(new.record.node_id)

    def _on_presence(self, node_id: str, connected: bool) -> None:
        if connected and node_id in self._pending:
            self._wake(node_id)
