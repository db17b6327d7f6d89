"""Who may use the relays of a hub: its members, and whoever holds a ticket of it, so as to join through a relay.

The relays are told what they have to know of everyone, and what changes; each of them one batch after the other.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING

import anyio
import structlog

from golem_vpn.errors import Forbidden, GolemVpnError, PeerUnreachable
from golem_vpn.net.admission import Admission, ticket_name
from golem_vpn.net.control import Control
from golem_vpn.net.messages import Admitted, AdmittedChanged, ListAdmitted
from golem_vpn.net.record import KnownRecord, NodeRecord
from golem_vpn.net.relay_board import RelayBoard

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

PAGE = 2048
BATCH = 1024
TELL_TIMEOUT = 5.0
RETRY_SECONDS = 0.5
TICKET_SECONDS = 30.0
"""How soon a ticket that expired or is used up opens no relay any more; the hub refuses it at once."""

Listener = Callable[[Iterable[Admitted]], None]
"""Hears what changed."""

_log = structlog.get_logger(__name__)


class Admittance:
    """Keeps by what everyone is known to relays who may use them."""

    def __init__(self, control: Control, admission: Admission, board: RelayBoard) -> None:
        self._control = control
        self._admission = admission
        self._board = board
        self._entries: dict[str, Admitted] = {}
        self._tickets: set[str] = set()
        self._untold: defaultdict[str, set[str]] = defaultdict(set)
        self._busy: set[str] = set()
        self._tickets_changed = anyio.Event()
        self._tasks: TaskGroup | None = None
        self._listeners: list[Listener] = []
        control.on(ListAdmitted)(self._list)
        control.book.on_change(self._on_record)
        admission.on_change(self._on_standing)
        admission.on_tickets(lambda: self._tickets_changed.set())

    @property
    def entries(self) -> Mapping[str, Admitted]:
        """All of them, by node id or name of the ticket."""
        return self._entries

    def entry(self, name: str) -> Admitted:
        """Gives one of them; an empty one for who may use no relay."""
        return self._entries.get(name, Admitted(name))

    def on_change(self, listener: Listener) -> None:
        """Adds a listener."""
        self._listeners.append(listener)

    async def open(self) -> None:
        """Recalls the members' keys and the tickets."""
        own = self._control.own_record.current().record
        self._set(_entry_of(own))
        for node_id in self._admission.members:
            self._set(self._member(node_id))
        await self.follow_tickets()

    async def run(self) -> None:
        """Tells the relays what changes."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            while True:
                with anyio.move_on_after(TICKET_SECONDS):
                    await self._tickets_changed.wait()
                self._tickets_changed = anyio.Event()
                await self.follow_tickets()

    async def follow_tickets(self) -> None:
        """Lets in whoever holds a good ticket, and nobody whose ticket is good no more."""
        good = {
            ticket_name(ticket.token_hash): ticket.relay_pass
            for ticket in await self._admission.tickets()
            if ticket.uses is None or ticket.used < ticket.uses
        }
        for name in self._tickets - good.keys():
            self._set(Admitted(name))
        for name, relay_pass in good.items():
            self._set(Admitted(name, passes=(relay_pass,)))
        self._tickets = set(good)

    def _member(self, node_id: str) -> Admitted:
        known = self._control.book.find(node_id)
        return _entry_of(known.record) if known and node_id in self._admission.members else Admitted(node_id)

    def _set(self, entry: Admitted) -> None:
        if entry == self.entry(entry.name):
            return
        if entry.keys or entry.passes:
            self._entries[entry.name] = entry
        else:
            del self._entries[entry.name]
        for listener in tuple(self._listeners):
            listener((entry,))
        for relay in self._board.nodes - {self._control.node_id}:
            self._tell_soon(relay, entry.name)

    def _tell_soon(self, relay: str, name: str) -> None:
        if relay in self._control.connected and self._tasks is not None:
            self._untold[relay].add(name)
            if relay not in self._busy:
                self._busy.add(relay)
                self._tasks.start_soon(self._tell, relay)

    async def _tell(self, relay: str) -> None:
        try:
            # Whoever is away asks for all when it is back.
            while relay in self._control.connected and (untold := self._untold.get(relay)):
                batch = list(islice(untold, BATCH))
                untold.difference_update(batch)
                message = AdmittedChanged(tuple(map(self.entry, batch)))
                try:
                    await self._control.request(relay, message, type(None), TELL_TIMEOUT)
                except GolemVpnError as error:
                    _log.info("admittance.relay_not_told", node=relay, error=error.message)
                    if isinstance(error, PeerUnreachable):
                        untold.update(batch)
                        await anyio.sleep(RETRY_SECONDS)
        finally:
            self._untold.pop(relay, None)
            self._busy.discard(relay)

    async def _list(self, sender: str, message: ListAdmitted) -> list[Admitted]:
        if sender not in self._board.nodes:
            raise Forbidden("only a relay of this hub is told who may use it; offer it first")
        following = sorted(name for name in self._entries if name > message.after)
        return [self._entries[name] for name in following[:PAGE]]

    def _on_standing(self, node_id: str) -> None:
        self._set(self._member(node_id))

    def _on_record(self, _old: NodeRecord | None, new: KnownRecord) -> None:
        if new.record.node_id in self._admission.members:
            self._set(self._member(new.record.node_id))


def _entry_of(record: NodeRecord) -> Admitted:
    carrier = (record.carrier_id,) if record.carrier_id else ()
    return Admitted(record.node_id, (record.endpoint_id, *carrier))
