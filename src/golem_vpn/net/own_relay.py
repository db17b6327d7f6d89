"""The relay that this daemon runs: offered to all hubs, open to those whom they admit.

Whoever one hub expelled and another has as a member may go on: each hub speaks for its own members.
"""

import time
from collections.abc import Callable, Iterable
from functools import partial

import anyio
import structlog

from golem_vpn.errors import Forbidden, GolemVpnError
from golem_vpn.net.control import Control
from golem_vpn.net.directory import Directory
from golem_vpn.net.hub import Hub
from golem_vpn.net.messages import Admitted, AdmittedChanged, ListAdmitted, OfferRelay, RelayEntry
from golem_vpn.net.relay_address import RelayOffer
from golem_vpn.net.relay_addresses import dialled
from golem_vpn.net.relay_server import RelayServer

HUB_TIMEOUT = 5.0
RECONCILE_SECONDS = 60.0
RETRY_SECONDS = 2.0
MAX_ADMITTED = 100_000
APPLY_SHARE = 10
"""Changes are applied at once, unless that takes more than a tenth of the time; then many of them together."""

Addresses = Callable[[], tuple[str, ...]]

_log = structlog.get_logger(__name__)


class OwnRelay:
    """Keeps hubs told of the relay, and the relay told of whom they admit."""

    def __init__(
        self,
        server: RelayServer,
        addresses: Addresses,
        own_keys: tuple[bytes, ...],
        control: Control,
        directory: Directory,
        own_hub: Hub | None,
    ) -> None:
        self.server = server
        self._addresses = addresses
        self._own_keys = own_keys
        self._control = control
        self._directory = directory
        self._own_hub = own_hub
        self._admitted: dict[str, dict[str, Admitted]] = {}
        self._fresh: set[str] = set()
        """The names that changed while a list was on its way; what it says of them may be older."""
        self._ask = anyio.Event()
        self._changed = anyio.Event()
        self._next_apply = 0.0
        control.on(AdmittedChanged)(self._on_changed)
        directory.on_attached(lambda: self._ask.set())
        directory.relays.on_change(self._forget_hubs)

    async def open(self) -> None:
        """Uses the relay for this node itself, and lets in whom its own hub admits."""
        await self._offer_here()
        if self._own_hub is not None:
            self._own_hub.admittance.on_change(partial(self._take, self._control.node_id))
            self._take(self._control.node_id, self._own_hub.admittance.entries.values())
        self._apply()

    @property
    def offer(self) -> RelayOffer:
        """The relay as hubs are told of it."""
        return RelayOffer(self.server.pin, self._addresses())

    def knows(self, node_id: str) -> bool:
        """Tells whether a node may use the relay."""
        return any(node_id in admitted for admitted in self._admitted.values())

    async def run(self) -> None:
        """Keeps both sides told."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keep_hubs)
            while True:
                await self._changed.wait()
                await anyio.sleep(max(0.0, self._next_apply - time.monotonic()))
                self._apply()

    async def _offer_here(self) -> None:
        entry = RelayEntry(self._control.node_id, self.offer)
        self._directory.relays.run_own(entry, dialled(self.server.address))
        if self._own_hub is not None:
            await self._own_hub.relays.offer(self._control.node_id, entry.offer)

    async def _keep_hubs(self) -> None:
        while True:
            self._ask = anyio.Event()
            await self._offer_here()
            hubs = [hub for hub in self._directory.hubs if hub != self._control.node_id]
            failed: list[str] = []
            async with anyio.create_task_group() as tasks:
                for hub in hubs:
                    tasks.start_soon(self._tell_and_ask, hub, failed)
            with anyio.move_on_after(RETRY_SECONDS if failed else RECONCILE_SECONDS):
                await self._ask.wait()

    async def _tell_and_ask(self, hub: str, failed: list[str]) -> None:
        try:
            await self._control.request(hub, OfferRelay(self.offer), type(None), HUB_TIMEOUT, search=False)
            self._fresh = set()
            admitted = await self._list(hub)
        except GolemVpnError as error:
            _log.info("own_relay.hub_not_told", hub=hub, error=error.message)
            failed.append(hub)
            return
        if hub not in self._directory.hubs:
            return
        known = self._admitted.get(hub, {})
        fresh = {name: known[name] for name in self._fresh if name in known}
        self._admitted[hub] = {name: entry for name, entry in admitted.items() if name not in self._fresh} | fresh
        self._note_change()

    async def _list(self, hub: str) -> dict[str, Admitted]:
        admitted: dict[str, Admitted] = {}
        after = ""
        while len(admitted) < MAX_ADMITTED and (page := await self._page(hub, after)) and page[0].name > after:
            admitted |= {entry.name: entry for entry in page}
            after = page[-1].name
        return admitted

    async def _page(self, hub: str, after: str) -> list[Admitted]:
        return await self._control.request(hub, ListAdmitted(after), list[Admitted], HUB_TIMEOUT, search=False)

    async def _on_changed(self, sender: str, message: AdmittedChanged) -> None:
        if sender not in self._directory.hubs:
            raise Forbidden("only a hub that this node joined may tell whom to admit")
        self._fresh |= {entry.name for entry in message.changed}
        self._take(sender, message.changed)

    def _forget_hubs(self) -> None:
        """Shuts out those whom only a hub admitted that this node left."""
        for hub in self._admitted.keys() - {*self._directory.hubs, self._control.node_id}:
            del self._admitted[hub]
            self._note_change()

    def _take(self, hub: str, changed: Iterable[Admitted]) -> None:
        admitted = self._admitted.setdefault(hub, {})
        for entry in changed:
            if entry.keys or entry.passes:
                admitted[entry.name] = entry
            else:
                admitted.pop(entry.name, None)
        self._note_change()

    def _note_change(self) -> None:
        if time.monotonic() >= self._next_apply:
            self._apply()
        else:
            self._changed.set()

    def _apply(self) -> None:
        begun = time.monotonic()
        self._changed = anyio.Event()
        entries = [entry for admitted in self._admitted.values() for entry in admitted.values()]
        keys = {*self._own_keys, *(key for entry in entries for key in entry.keys)}
        self.server.set_admitted(keys, {relay_pass for entry in entries for relay_pass in entry.passes})
        _log.debug("own_relay.admitted", keys=len(keys))
        now = time.monotonic()
        self._next_apply = now + APPLY_SHARE * (now - begun)
