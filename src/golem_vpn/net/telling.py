"""Tells the members of a hub what changed: many at once, and each of them one batch after the other.

What changes while a member is being told goes into its next batch, so a slow member holds up nobody, and a thousand
changes are not a thousand messages.
"""

from collections import defaultdict
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

import anyio
import structlog

from golem_vpn.errors import GolemVpnError
from golem_vpn.net.control import Control
from golem_vpn.net.messages import RecordsChanged
from golem_vpn.net.wire import Message

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

MAX_TELLING_AT_ONCE = 64
BATCH = 64
"""How many records one message holds; the longest of them still fit."""
TELL_TIMEOUT = 5.0

_log = structlog.get_logger(__name__)


class Teller:
    """Brings changes to connected members; who is away asks when it is back."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._changed: defaultdict[str, set[str]] = defaultdict(set)
        """The nodes whose records a member has to be told, by member."""
        self._busy: set[str] = set()
        self._records_limit = anyio.CapacityLimiter(MAX_TELLING_AT_ONCE)
        self._urgent_limit = anyio.CapacityLimiter(MAX_TELLING_AT_ONCE)
        self._tasks: TaskGroup | None = None

    async def run(self) -> None:
        """Tells what is to be told."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            await anyio.sleep_forever()

    def tell_record(self, members: Iterable[str], node_id: str) -> None:
        """Has members told of a node's newest record."""
        for member in members:
            if member in self._control.connected:
                self._changed[member].add(node_id)
                if self._tasks is not None and member not in self._busy:
                    self._busy.add(member)
                    self._tasks.start_soon(self._tell_records, member)

    def tell_at_once(self, members: Iterable[str], message: Message) -> None:
        """Has connected members told of something that does not wait for what they are being told already."""
        if self._tasks is not None:
            for member in members:
                if member in self._control.connected:
                    self._tasks.start_soon(self._tell_urgent, member, message)

    async def _tell_records(self, member: str) -> None:
        try:
            while changed := self._changed.get(member):
                async with self._records_limit:
                    batch = list(islice(changed, BATCH))
                    changed.difference_update(batch)
                    known = [known for node_id in batch if (known := self._control.book.find(node_id))]
                    await self._tell(member, RecordsChanged(tuple(it.signed for it in known)))
        finally:
            self._changed.pop(member, None)
            self._busy.discard(member)

    async def _tell_urgent(self, member: str, message: Message) -> None:
        async with self._urgent_limit:
            await self._tell(member, message)

    async def _tell(self, member: str, message: Message) -> None:
        try:
            await self._control.request(member, message, type(None), TELL_TIMEOUT)
        except GolemVpnError as error:
            _log.info("hub.change_not_told", node=member, error=error.message)
