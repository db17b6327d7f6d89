"""Finding other nodes: the hubs that this node joined, kept connected, and asked who is there and where."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

import anyio
import structlog

from golem_vpn.errors import Forbidden, GolemVpnError, InvalidInput
from golem_vpn.net.backoff import Backoff
from golem_vpn.net.control import Control
from golem_vpn.net.hub import MAX_LOOKUP, Hub
from golem_vpn.net.messages import Join, ListNodes, LookUp, NodeEntry, RecordChanged
from golem_vpn.net.record import KnownRecord, SignedRecord
from golem_vpn.net.records import KeptRecords
from golem_vpn.net.ticket import Ticket
from golem_vpn.store.hubs import JoinedHubRepository, StoredHub

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

HUB_TIMEOUT = 5.0

AttachListener = Callable[[], None]

_log = structlog.get_logger(__name__)


class Directory:
    """Asks all hubs that this node joined, its own among them."""

    def __init__(
        self, control: Control, records: KeptRecords, repository: JoinedHubRepository, own_hub: Hub | None
    ) -> None:
        self._control = control
        self._records = records
        self._repository = repository
        self._own_hub = own_hub
        self._joined: dict[str, StoredHub] = {}
        self._last_list: dict[str, list[NodeEntry]] = {}
        self._left: dict[str, anyio.Event] = {}
        self._tasks: TaskGroup | None = None
        self._listeners: list[AttachListener] = []
        control.lookup = self.look_up
        control.on(RecordChanged)(self._record_changed)
        control.on_presence(self._on_presence)

    @property
    def hubs(self) -> list[str]:
        """The hubs that may be asked: those that this node joined, and its own."""
        own = [self._control.node_id] if self._own_hub is not None else []
        return own + [hub.node_id for hub in self._joined.values() if hub.token is None]

    def on_attached(self, listener: AttachListener) -> None:
        """Adds a listener that hears whenever a hub can be asked anew."""
        self._listeners.append(listener)

    async def open(self, tickets: Iterable[Ticket] = ()) -> None:
        """Recalls the hubs that were joined, and takes tickets to join with as soon as their hubs can be reached."""
        for hub in await self._repository.all():
            self._note(hub)
        for ticket in tickets:
            if ticket.hub != self._control.node_id and ticket.hub not in self._joined:
                hub = _hub_of(ticket)
                await self._repository.put(hub)
                self._note(hub)

    async def run(self) -> None:
        """Keeps the hubs connected."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            for hub in tuple(self._joined.values()):
                tasks.start_soon(self._keep, hub.node_id)
            await anyio.sleep_forever()

    async def ticket(self) -> str:
        """Makes a ticket to this daemon's own hub.

        Raises:
            InvalidInput: this daemon is none.
        """
        if self._own_hub is None:
            raise InvalidInput("this daemon is no hub; start it with --hub to make tickets")
        return str(await self._own_hub.issue_ticket())

    async def join(self, text: str) -> str:
        """Joins the hub of a ticket, and returns the hub's node id.

        Raises:
            InvalidInput: the ticket is damaged, expired, or this daemon's own.
            PeerUnreachable: the hub cannot be reached.
            Forbidden: the hub does not take the ticket.
        """
        ticket = Ticket.parse(text)
        ticket.check_valid()
        if ticket.hub == self._control.node_id:
            raise InvalidInput("this ticket is for other daemons: it is this daemon's own hub")
        hub = _hub_of(ticket)
        joined = await self._attach(hub)
        await self._repository.put(joined)
        known = hub.node_id in self._joined
        self._note(joined)
        if self._tasks is not None and not known:
            self._tasks.start_soon(self._keep, hub.node_id)
        return hub.node_id

    async def nodes(self) -> list[NodeEntry]:
        """Lists the nodes that any of the hubs knows, by node id; a hub that is away counts with its last list."""
        merged: dict[str, NodeEntry] = {}
        async with anyio.create_task_group() as tasks:
            for hub in self.hubs:
                tasks.start_soon(self._list, hub)
        for hub in self.hubs:
            for entry in self._last_list.get(hub, []):
                present = merged.get(entry.node_id)
                if present is None or _presence(entry) > _presence(present):
                    merged[entry.node_id] = entry
        return [merged[node_id] for node_id in sorted(merged)]

    async def look_up(self, node_id: str) -> KnownRecord | None:
        """Finds where a node is."""
        await self.look_up_all([node_id])
        return self._control.book.find(node_id)

    async def look_up_all(self, node_ids: list[str]) -> None:
        """Has the hubs tell where some nodes are, now and whenever that changes."""
        async with anyio.create_task_group() as tasks:
            for hub in self.hubs:
                for start in range(0, len(node_ids), MAX_LOOKUP):
                    tasks.start_soon(self._ask, hub, tuple(node_ids[start : start + MAX_LOOKUP]))

    async def _ask(self, hub: str, node_ids: tuple[str, ...]) -> None:
        try:
            # Searching for the hub would end up here again.
            found = await self._control.request(hub, LookUp(node_ids), list[SignedRecord], HUB_TIMEOUT, search=False)
            for signed in found:
                self._control.book.learn(signed)
        except GolemVpnError as error:
            _log.info("directory.lookup_failed", hub=hub, error=error.message)

    async def _list(self, hub: str) -> None:
        entries: list[NodeEntry] = []
        try:
            after = ""
            while page := await self._page(hub, after):
                if page[0].node_id <= after:
                    break
                entries += page
                after = page[-1].node_id
            self._last_list[hub] = entries
        except GolemVpnError as error:
            _log.info("directory.list_failed", hub=hub, error=error.message)

    async def _page(self, hub: str, after: str) -> list[NodeEntry]:
        return await self._control.request(hub, ListNodes(after), list[NodeEntry], HUB_TIMEOUT, search=False)

    async def _keep(self, hub_id: str) -> None:
        backoff = Backoff()
        while (hub := self._joined.get(hub_id)) is not None:
            self._left[hub_id] = left = anyio.Event()
            try:
                joined = await self._attach(hub)
            except Forbidden as error:
                _log.error("directory.hub_refuses", hub=hub_id, error=error.message)
                if hub.token is not None:
                    await self._drop(hub)
                    return
            except GolemVpnError as error:
                _log.info("directory.hub_away", hub=hub_id, error=error.message)
            else:
                if joined != hub:
                    await self._repository.put(joined)
                    self._note(joined)
                backoff.reset()
                self._tell_attached()
                await left.wait()
            await backoff.pause()

    async def _attach(self, hub: StoredHub) -> StoredHub:
        """Connects to a hub, shows the ticket where that is still to be done, and gives what is known of the hub."""
        known = self._control.book.find(hub.node_id)
        addresses = [*(known.record.control_addresses if known else ()), *hub.addresses]
        record = await self._control.introduce(hub.endpoint_id, addresses, hub.node_id, HUB_TIMEOUT)
        if hub.token is not None:
            await self._control.request(hub.node_id, Join(hub.token), type(None), HUB_TIMEOUT)
            _log.info("directory.joined", hub=hub.node_id)
        return StoredHub(hub.node_id, record.endpoint_id, record.control_addresses, None)

    def _note(self, hub: StoredHub) -> None:
        self._joined[hub.node_id] = hub
        self._records.keep("directory", hub.node_id)

    async def _drop(self, hub: StoredHub) -> None:
        del self._joined[hub.node_id]
        self._records.release("directory", hub.node_id)
        await self._repository.remove(hub.node_id)

    def _tell_attached(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    def _on_presence(self, node_id: str, connected: bool) -> None:
        if not connected and node_id in self._left:
            self._left[node_id].set()

    async def _record_changed(self, sender: str, message: RecordChanged) -> None:
        if sender not in self._joined and sender != self._control.node_id:
            raise Forbidden("only a hub that this node joined may tell of others")
        self._control.book.learn(message.record)


def _hub_of(ticket: Ticket) -> StoredHub:
    return StoredHub(ticket.hub, ticket.endpoint_id, ticket.addresses, ticket.token)


def _presence(entry: NodeEntry) -> tuple[bool, datetime]:
    return entry.online, entry.last_seen
