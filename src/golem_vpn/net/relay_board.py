"""The relays that the members of a hub run, as the hub tells all its members.

They outlive the hub's restart, as members would leave a relay that works otherwise. A relay whose node has been away
for a minute goes.
"""

import time
from collections.abc import Callable, KeysView

import anyio
import msgspec
import structlog

from golem_vpn.errors import Conflict, Forbidden, InvalidInput
from golem_vpn.net.admission import Admission
from golem_vpn.net.codec import Malformed, Reader
from golem_vpn.net.control import Control
from golem_vpn.net.messages import MAX_RELAYS_OF_A_HUB, OfferRelay, RelayEntry, RelayList, RelaysChanged
from golem_vpn.net.relay_address import RelayOffer, check_offer
from golem_vpn.net.telling import Teller
from golem_vpn.store.hubs import HubRepository

AWAY_SECONDS = 60.0
RENEWAL_SECONDS = 150.0
"""A relay is offered every minute; one that is not has ended, though its node may be there."""
CHECK_SECONDS = 5.0

Listener = Callable[[], None]

_log = structlog.get_logger(__name__)


class RelayBoard:
    """Keeps offers of relays, on the disk and at hand."""

    def __init__(self, control: Control, admission: Admission, teller: Teller, repository: HubRepository) -> None:
        self._control = control
        self._admission = admission
        self._teller = teller
        self._repository = repository
        self._offers: dict[str, RelayOffer] = {}
        self._away_since: dict[str, float] = {}
        self._offered_at: dict[str, float] = {}
        self._gone: set[str] = set()
        """The nodes whose relays are still on the disk."""
        self._revision = 0
        self._listeners: list[Listener] = []
        control.on(OfferRelay)(self._on_offer)
        control.on_presence(self._on_presence)
        admission.on_change(self._on_standing)

    @property
    def relays(self) -> RelayList:
        """The relays as members are told of them, the hub's own first."""
        own = self._control.node_id
        entries = [RelayEntry(node_id, self._offers[node_id]) for node_id in sorted(self._offers)]
        return RelayList(self._revision, tuple(sorted(entries, key=lambda entry: entry.node_id != own)))

    @property
    def nodes(self) -> KeysView[str]:
        """The nodes that run a relay."""
        return self._offers.keys()

    def on_change(self, listener: Listener) -> None:
        """Adds a listener."""
        self._listeners.append(listener)

    async def open(self) -> None:
        """Recalls the relays of members; the hub's own is offered at each start, where there is one."""
        for node_id, stored in (await self._repository.relays()).items():
            try:
                offer = _offers.read(stored)
                check_offer(offer)
            except (InvalidInput, Malformed) as error:
                _log.error("relay_board.stored_offer_is_bad", node=node_id, error=str(error))
                continue
            if node_id in self._admission.members:
                self._offers[node_id] = offer
                self._away_since[node_id] = self._offered_at[node_id] = time.monotonic()

    async def run(self) -> None:
        """Drops the relays whose nodes have been away for long."""
        while True:
            await anyio.sleep(CHECK_SECONDS)
            for node_id in [node_id for node_id in self._offers if self._is_over(node_id, time.monotonic())]:
                self._drop(node_id)
            while self._gone:
                await self._repository.remove_relay(self._gone.pop())

    async def offer(self, node_id: str, offer: RelayOffer) -> None:
        """Notes that a node runs a relay, in place of what it ran before.

        Raises:
            InvalidInput: the offer is malformed.
            Conflict: another node offers this very relay, or there are as many as a hub can have.
        """
        check_offer(offer)
        if self._offers.get(node_id) == offer:
            self._offered_at[node_id] = time.monotonic()
            return
        if any(known.pin == offer.pin for other, known in self._offers.items() if other != node_id):
            raise Conflict("another node offers a relay with this certificate; each relay needs one of its own")
        if node_id not in self._offers and len(self._offers) >= MAX_RELAYS_OF_A_HUB:
            raise Conflict(f"a hub has at most {MAX_RELAYS_OF_A_HUB} relays")
        self._offers[node_id] = offer
        self._offered_at[node_id] = time.monotonic()
        self._gone.discard(node_id)
        self._spread()
        if node_id != self._control.node_id:
            await self._repository.put_relay(node_id, msgspec.msgpack.encode(offer))

    async def _on_offer(self, sender: str, message: OfferRelay) -> None:
        if sender not in self._admission.members:
            raise Forbidden("only members of this hub may offer a relay; join it with a ticket first")
        await self.offer(sender, message.offer)
        self._note_presence(sender)

    def _is_over(self, node_id: str, now: float) -> bool:
        away_since = self._away_since.get(node_id, now)
        return now - away_since > AWAY_SECONDS or now - self._offered_at[node_id] > RENEWAL_SECONDS

    def _drop(self, node_id: str) -> None:
        self._away_since.pop(node_id, None)
        self._offered_at.pop(node_id, None)
        if self._offers.pop(node_id, None) is not None:
            _log.info("relay_board.relay_gone", node=node_id)
            self._gone.add(node_id)
            self._spread()

    def _on_standing(self, node_id: str) -> None:
        if node_id not in self._admission.members:
            self._drop(node_id)

    def _spread(self) -> None:
        self._revision += 1
        self._teller.tell_at_once(self._admission.members, RelaysChanged(self.relays))
        for listener in tuple(self._listeners):
            listener()

    def _on_presence(self, node_id: str, _connected: bool) -> None:
        self._note_presence(node_id)

    def _note_presence(self, node_id: str) -> None:
        if node_id in self._control.connected:
            self._away_since.pop(node_id, None)
        elif node_id in self._offers:
            self._away_since.setdefault(node_id, time.monotonic())


_offers = Reader(RelayOffer)
