"""Tells other nodes what they have to know, in order, again and again until they were there to hear it."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import Enum, auto

import anyio
import structlog
from anyio.abc import TaskGroup

from golem_vpn import moments
from golem_vpn.errors import GolemVpnError, PeerRefused, PeerUnreachable
from golem_vpn.net.control import Control
from golem_vpn.net.wire import Message
from golem_vpn.payment.journal import OUTBOX, Journal
from golem_vpn.store.agreements import Role
from golem_vpn.store.payment import Document, Payment

RETRY_SECONDS = 5.0
TELL_FOR = timedelta(days=90)
"""How long a node that is away is looked for."""
AT_ONCE = 1000

log = structlog.get_logger()

Letter = Document | Payment
Deliver = Callable[[Letter], Awaitable[bool]]
"""Tells the other side, and says whether it can be told more."""


class Outcome(Enum):
    """What became of telling."""

    TOLD = auto()
    REFUSED = auto()
    AWAY = auto()


class Messenger:
    """Says one thing to one node."""

    def __init__(self, control: Control) -> None:
        self._control = control

    async def tell(self, node_id: str, message: Message, since: datetime) -> Outcome:
        """Sends a message that may be obeyed twice without harm, of something that is so since then."""
        try:
            await self._control.request(node_id, message, type(None))
        except (PeerUnreachable, PeerRefused) as error:
            if moments.now() - since < TELL_FOR:
                return Outcome.AWAY
            log.warning("a node was not there to be told about payment", node_id=node_id, error=error.message)
            return Outcome.REFUSED
        except GolemVpnError as error:
            # Whatever the other side has against it, saying it again won't help.
            log.warning("a node refused what it was told about payment", node_id=node_id, error=error.message)
            return Outcome.REFUSED
        return Outcome.TOLD


class Courier:
    """Goes to every node that has something to hear, to one that is away every few seconds."""

    def __init__(self, journal: Journal, deliver: Deliver) -> None:
        self._journal = journal
        self._deliver = deliver
        self._visited: set[str] = set()

    async def run(self) -> None:
        """Delivers for ever."""
        async with anyio.create_task_group() as tasks:
            while True:
                bell = self._journal.listen(OUTBOX)
                await self._set_out(tasks)
                with anyio.move_on_after(RETRY_SECONDS):
                    await bell.wait()

    async def _set_out(self, tasks: TaskGroup) -> None:
        letters: dict[str, list[Letter]] = {}
        for letter in await self._journal.untold(AT_ONCE):
            letters.setdefault(_addressee(letter), []).append(letter)
        for node_id, pile in letters.items():
            if node_id not in self._visited:
                self._visited.add(node_id)
                tasks.start_soon(self._visit, node_id, pile)

    async def _visit(self, node_id: str, pile: list[Letter]) -> None:
        try:
            for letter in pile:
                if not await self._deliver(letter):
                    return
        finally:
            self._visited.discard(node_id)
        # There may be more for this node by now, which was passed over while it was visited.
        self._journal.ring(OUTBOX)


def _addressee(letter: Letter) -> str:
    if isinstance(letter, Payment):
        return letter.payee_id
    return letter.recipient_id if letter.role is Role.PROVIDER else letter.issuer_id
