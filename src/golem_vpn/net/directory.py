"""Finding other nodes: the hubs that this node joined, which are asked who is there and where."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import anyio
import msgspec
import structlog

from golem_vpn.errors import Conflict, Forbidden, GolemVpnError, InvalidInput, NotFound
from golem_vpn.net.approach import HUB_TIMEOUT, Approach, hub_of
from golem_vpn.net.control import Control
from golem_vpn.net.exclusions import Exclusions
from golem_vpn.net.hub import MAX_LOOKUP, Hub
from golem_vpn.net.hub_keeping import AttachListener, HubKeeping
from golem_vpn.net.messages import (
    Attach,
    Attached,
    Join,
    Leave,
    LookUp,
    NodeEntry,
    RecordsChanged,
    RelaysChanged,
    StandingChanged,
)
from golem_vpn.net.node_lists import NodeLists
from golem_vpn.net.record import KnownRecord, SignedRecord
from golem_vpn.net.records import KeptRecords
from golem_vpn.net.relay_notes import write_relays
from golem_vpn.net.relays import Relays
from golem_vpn.net.ticket import Ticket
from golem_vpn.store.hubs import JoinedHubRepository, StoredHub

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

MAX_DOUBTS = 64 * MAX_LOOKUP
"""How many nodes that one hub expelled the others are asked for."""

_log = structlog.get_logger(__name__)


class Directory:
    """Asks all hubs that this node joined, its own among them."""

    def __init__(
        self,
        control: Control,
        records: KeptRecords,
        exclusions: Exclusions,
        repository: JoinedHubRepository,
        relays: Relays,
        approach: Approach,
        own_hub: Hub | None,
    ) -> None:
        self.relays = relays
        """The relays of all these hubs."""
        self._approach = approach
        self._control = control
        self._records = records
        self._exclusions = exclusions
        self._repository = repository
        self._own_hub = own_hub
        self._joined: dict[str, StoredHub] = {}
        self._lists = NodeLists(control, HUB_TIMEOUT)
        self._stored: dict[str, StoredHub] = {}
        """What the database holds of them."""
        self._keeping = HubKeeping(self._attach_again)
        self._revisions: dict[str, int] = {}
        self._tasks: TaskGroup | None = None
        control.lookup = self.look_up
        control.on(RecordsChanged)(self._records_changed)
        control.on(StandingChanged)(self._standing_changed)
        control.on(RelaysChanged)(self._relays_changed)
        control.on_presence(self._on_presence)

    @property
    def hubs(self) -> list[str]:
        """The hubs that may be asked: those that this node joined, and its own."""
        own = [self._control.node_id] if self._own_hub is not None else []
        return own + [hub.node_id for hub in self._joined.values() if hub.token is None]

    def relies_on(self, node_id: str) -> bool:
        """Tells whether a node is a hub or a relay of this one, or a member of its own hub."""
        is_member = self._own_hub is not None and self._own_hub.has_member(node_id)
        return is_member or node_id in self.hubs or any(node_id == relay.node_id for relay in self.relays.known)

    def on_attached(self, listener: AttachListener) -> None:
        """Adds a listener that hears whenever a hub can be asked anew."""
        self._keeping.on_attached(listener)

    async def open(self, tickets: Iterable[Ticket] = ()) -> None:
        """Recalls the hubs that were joined, and takes tickets to join with as soon as their hubs can be reached."""
        for hub in await self._repository.all():
            self._stored[hub.node_id] = hub
            self._note(hub)
            if hub.token is None:
                self._approach.recall(hub)
        for ticket in tickets:
            if ticket.hub != self._control.node_id and ticket.hub not in self._joined:
                await self._store(hub_of(ticket))

    async def run(self) -> None:
        """Keeps the hubs connected."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            for hub_id in tuple(self._joined):
                self._keeping.start(tasks, hub_id)
            await anyio.sleep_forever()

    def own_hub(self) -> Hub:
        """Gives this daemon's own hub.

        Raises:
            InvalidInput: this daemon is none.
        """
        if self._own_hub is None:
            raise InvalidInput("this daemon is no hub; start it with --hub to make it one")
        return self._own_hub

    async def ticket(self) -> str:
        """Makes a ticket to this daemon's own hub, for any number of nodes.

        Raises:
            InvalidInput: this daemon is none.
        """
        ticket, _ = await self.own_hub().issue_ticket()
        return str(ticket)

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
        hub = hub_of(ticket)
        known = hub.node_id in self._joined
        try:
            joined = await self._attach(hub)
        except GolemVpnError:
            if not known:
                self._forget(hub.node_id)
            raise
        await self._store(joined)
        if not known and self._tasks is not None:
            self._keeping.start(self._tasks, hub.node_id)
        return hub.node_id

    async def leave(self, hub_id: str | None = None) -> str:
        """Leaves a hub, the only one where none is named, and returns its node id; its nodes that are known stay known.

        Raises:
            NotFound: this node joined no such hub.
            Conflict: it joined several, and none was named.
        """
        if hub_id is None and len(self._joined) > 1:
            raise Conflict(f"this node joined several hubs; name one of {', '.join(sorted(self._joined))}")
        left = next(iter(self._joined), None) if hub_id is None else hub_id
        if left is None or left not in self._joined:
            raise NotFound("this node has not joined any hub" if left is None else f"this node has not joined {left}")
        try:
            await self._control.request(left, Leave(), type(None), HUB_TIMEOUT, search=False)
        except GolemVpnError as error:
            _log.info("directory.hub_not_told", hub=left, error=error.message)
        self._keeping.stop(left)
        await self._drop(left)
        return left

    async def nodes(self) -> list[NodeEntry]:
        """Lists the nodes that any of the hubs knows, by node id; a hub that is away counts with its last list."""
        return [entry for entry in await self._lists.merged(self.hubs) if entry.node_id not in self._exclusions]

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
            learnt = [self._control.book.learn(signed) for signed in found]
            self._exclusions.vouch(hub, node_ids, [it for record in learnt for it in record.identities])
        except GolemVpnError as error:
            _log.info("directory.lookup_failed", hub=hub, error=error.message)

    async def _attach_again(self, hub_id: str) -> bool:
        hub = self._joined.get(hub_id)
        if hub is None:
            return False
        try:
            await self._store(await self._attach(hub))
        except Forbidden as error:
            if hub.token is None:
                raise
            _log.error("directory.hub_refuses", hub=hub_id, error=error.message)
            await self._drop(hub_id)
            return False
        return True

    async def _attach(self, hub: StoredHub) -> StoredHub:
        """Connects to a hub, shows the ticket where that is still to be done, and gives what is known of the hub."""
        record = await self._approach.reach(hub)
        if hub.token is not None:
            await self._control.request(hub.node_id, Join(hub.token), type(None), HUB_TIMEOUT)
            _log.info("directory.joined", hub=hub.node_id)
            # From now on the hub shows this node to others, which need not wait until what follows is stored.
            self._note(msgspec.structs.replace(hub, token=None))
        told_before = self.relays.told(hub.node_id)
        attached = await self._control.request(hub.node_id, Attach(), Attached, HUB_TIMEOUT)
        self._revisions[hub.node_id] = attached.revision
        if self.relays.told(hub.node_id) is told_before:
            self.relays.relearn(hub.node_id, attached.relays)
        await self._exclusions.replace(hub.node_id, attached.expelled)
        self._ask_others()
        relays = write_relays(self.relays.told(hub.node_id) or attached.relays)
        return StoredHub(hub.node_id, record.endpoint_id, record.control_addresses, None, relays)

    def _note(self, hub: StoredHub) -> None:
        self._joined[hub.node_id] = hub
        self._records.keep("directory", hub.node_id)

    async def _store(self, hub: StoredHub) -> None:
        if hub != self._stored.get(hub.node_id):
            await self._repository.put(hub)
            self._stored[hub.node_id] = hub
        self._note(hub)

    def _forget(self, hub_id: str) -> None:
        self._joined.pop(hub_id, None)
        self._lists.forget(hub_id)
        self.relays.forget(hub_id)
        self._records.release("directory", hub_id)

    async def _drop(self, hub_id: str) -> None:
        self._forget(hub_id)
        self._stored.pop(hub_id, None)
        await self._repository.remove(hub_id)
        await self._exclusions.forget(hub_id)

    def _on_presence(self, node_id: str, connected: bool) -> None:
        if not connected:
            self._keeping.ask_anew(node_id)

    async def _records_changed(self, sender: str, message: RecordsChanged) -> None:
        self._check_hub(sender)
        for signed in message.records:
            record = self._control.book.learn(signed)
            self._exclusions.vouch(sender, (), record.identities)
            await anyio.lowlevel.checkpoint()

    async def _standing_changed(self, sender: str, message: StandingChanged) -> None:
        self._check_hub(sender)
        expected = self._revisions.get(sender, message.revision) + 1
        if message.revision == expected:
            self._revisions[sender] = expected
            await self._exclusions.change(sender, message.node_id, expelled=message.expelled)
            self._ask_others()
        elif message.revision > expected:
            # Something got lost in between: the hub is asked for all.
            self._keeping.ask_anew(sender)

    async def _relays_changed(self, sender: str, message: RelaysChanged) -> None:
        self._check_hub(sender)
        self.relays.learn(sender, message.relays)
        hub = msgspec.structs.replace(self._joined[sender], relays=write_relays(message.relays))
        if hub.token is None:
            await self._store(hub)

    def _ask_others(self) -> None:
        """Has each hub tell which of the nodes that another expelled are its members."""
        if self._tasks is not None and len(self.hubs) > 1 and (excluded := self._exclusions.nodes):
            self._tasks.start_soon(self.look_up_all, excluded[:MAX_DOUBTS])

    def _check_hub(self, sender: str) -> None:
        if sender not in self._joined:
            raise Forbidden("only a hub that this node joined may tell of others")
