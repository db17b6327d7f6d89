"""The relays of all hubs, and this node's connections to the nearest of them.

What a hub told stays good while the hub is away, so that nobody loses a relay with it.
"""

from collections.abc import Callable

import anyio
import structlog

from golem_vpn.net.dataplane import Topology
from golem_vpn.net.endpoint import Endpoint
from golem_vpn.net.messages import RelayEntry, RelayList, check_relay_list
from golem_vpn.net.relay_address import GUEST_MARK, MAX_RELAY_ADDRESSES, RelayNames, RelayOffer, is_relay, parse_relay
from golem_vpn.net.relay_choice import choose, needs_sounding
from golem_vpn.net.soundings import Sound, sound_all

SOUND_SECONDS = 120.0
"""How often it is asked again which relays are the nearest, where there is a choice."""

Listener = Callable[[], None]

_log = structlog.get_logger(__name__)


class Relays:
    """Knows which relays there are, and tells the endpoint and the data plane which to use."""

    def __init__(self, endpoint: Endpoint, topology: Topology, names: RelayNames, sound: Sound) -> None:
        self._endpoint = endpoint
        self._topology = topology
        self._names = names
        self._sound = sound
        self._told: dict[str, RelayList] = {}
        self._passes: dict[str, dict[bytes, str]] = {}
        self._own: RelayEntry | None = None
        self._dialled_own: RelayOffer | None = None
        self._in_use: list[str] = []
        self._work = anyio.Event()
        self._listeners: list[Listener] = []

    @property
    def known(self) -> list[RelayEntry]:
        """The relays of all hubs and this node's own, each once, with all addresses that were told of it."""
        told = [entry for hub in sorted(self._told) for entry in self._told[hub].relays]
        merged: dict[bytes, RelayEntry] = {}
        for entry in ([self._own] if self._own else []) + told:
            present = merged.get(entry.offer.pin)
            merged[entry.offer.pin] = entry if present is None else _merge(present, entry)
        return list(merged.values())

    @property
    def in_use(self) -> list[str]:
        """The relays that this node is to be connected to, as it reaches them."""
        return list(self._in_use)

    @property
    def texts(self) -> list[str]:
        """The same relays as others are told of them."""
        return [self.canonical(text) for text in self._in_use]

    def canonical(self, text: str) -> str:
        """Gives the text by which others are told of a relay."""
        pin = parse_relay(text).pin
        return next((entry.offer.texts[0] for entry in self.known if entry.offer.pin == pin), text)

    def canonical_home(self) -> list[str]:
        """Gives the relay through which control connections reach this node, if there is one."""
        home = (self._endpoint.home_relay or "").partition(GUEST_MARK)[0]
        return [self.canonical(home)] if is_relay(home) else []

    def on_change(self, listener: Listener) -> None:
        """Adds a listener that hears when there are other relays than before."""
        self._listeners.append(listener)

    def learn(self, hub: str, told: RelayList) -> None:
        """Takes in which relays a hub has; what is out of date changes nothing.

        Raises:
            InvalidInput: it is not as a list must be.
        """
        present = self._told.get(hub)
        if present is None or told.revision >= present.revision:
            self.relearn(hub, told)

    def relearn(self, hub: str, told: RelayList) -> None:
        """Takes in what a hub says anew, which may have restarted since.

        Raises:
            InvalidInput: it is not as a list must be.
        """
        check_relay_list(told)
        if told != self._told.get(hub):
            self._told[hub] = told
            self._follow()

    def come_as_guest(self, hub: str, told: RelayList, relay_pass: str) -> None:
        """Uses the relays of a hub that has yet to admit this node; what they are told stays good until it leaves."""
        self._passes[hub] = {entry.offer.pin: relay_pass for entry in told.relays}
        self.relearn(hub, told)

    def told(self, hub: str) -> RelayList | None:
        """Gives what a hub told last."""
        return self._told.get(hub)

    def forget(self, hub: str) -> None:
        """Drops the relays that are known from a hub alone."""
        self._passes.pop(hub, None)
        if self._told.pop(hub, None) is not None:
            self._follow()

    def run_own(self, entry: RelayEntry, dialled: str) -> None:
        """Takes in the relay that this daemon runs, and where the daemon itself dials it."""
        if entry == self._own:
            return
        self._own = entry
        self._dialled_own = RelayOffer(entry.offer.pin, (dialled,))
        self._follow()

    async def run(self) -> None:
        """Chooses by distance where there is a choice."""
        while True:
            offers = self._offers()
            if needs_sounding(offers):
                texts = [text for offer in offers for text in offer.texts]
                if self._use(self._choose(await sound_all(texts, self._sound))):
                    self._tell()
            with anyio.move_on_after(SOUND_SECONDS):
                await self._work.wait()
            self._work = anyio.Event()

    def _follow(self) -> None:
        """Uses what there is at once, and has it measured afterwards."""
        self._use(self._choose({}))
        self._work.set()
        self._tell()

    def _choose(self, round_trips: dict[str, float]) -> list[str]:
        own = dict.fromkeys(self._dialled_own.texts, 0.0) if self._dialled_own else {}
        return choose(self._offers(), self._in_use, round_trips | own)

    def _offers(self) -> list[RelayOffer]:
        own = self._dialled_own
        others = [entry.offer for entry in self.known if own is None or entry.offer.pin != own.pin]
        return ([own] if own else []) + others

    def _use(self, texts: list[str]) -> bool:
        """Connects to these relays, and tells whether they are others than before."""
        if set(texts) == set(self._in_use):
            return False
        self._in_use = texts
        _log.info("relays.used", relays=len(texts))
        self._names.adopt(texts)
        passes = {pin: GUEST_MARK + said for guest in self._passes.values() for pin, said in guest.items()}
        self._endpoint.set_relays([text + passes.get(parse_relay(text).pin, "") for text in texts])
        self._topology.set_relays(texts)
        return True

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()


def _merge(one: RelayEntry, other: RelayEntry) -> RelayEntry:
    addresses = tuple(dict.fromkeys((*one.offer.addresses, *other.offer.addresses)))[:MAX_RELAY_ADDRESSES]
    return RelayEntry(one.node_id, RelayOffer(one.offer.pin, addresses))
