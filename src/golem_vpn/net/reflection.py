"""Telling others what address their data socket has outside, and having it told.

Hubs and relays answer. What they hand out over the authenticated control connection, an index and a key, seals the
question and the answer, so nobody in between can make a node believe in an address.
"""

import ipaddress
import secrets
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence

import anyio
import structlog

from golem_vpn.config import Address
from golem_vpn.errors import Forbidden, GolemVpnError, InvalidInput
from golem_vpn.net.candidates import own_candidates
from golem_vpn.net.control import Control
from golem_vpn.net.dataplane import Reflector, Topology
from golem_vpn.net.directory import Directory
from golem_vpn.net.messages import Reflect, Reflecting
from golem_vpn.net.record import Candidate, check_socket_address

KEY_LENGTH = 32
MAX_ASKERS = 20_000
MAX_REFLECTORS = 4
"""Two tell whether a NAT chooses a port per destination; the others are there when these are gone."""
MAX_ADDRESSES = 2
ASK_TIMEOUT = 5.0
ASK_AGAIN_SECONDS = 10.0

MayAsk = Callable[[str], bool]

_log = structlog.get_logger(__name__)


class Mirror:
    """Answers members who want to be told."""

    def __init__(self, control: Control, topology: Topology, configured: Sequence[str], may_ask: MayAsk) -> None:
        self._topology = topology
        self._configured = configured
        self._may_ask = may_ask
        self._indices: OrderedDict[str, int] = OrderedDict()
        control.on(Reflect)(self._answer)

    @property
    def askers(self) -> int:
        """How many nodes may be told now."""
        return len(self._indices)

    def dismiss(self, node_ids: Collection[str]) -> None:
        """Tells these nodes nothing any more, as far as they may not ask."""
        for node_id in node_ids:
            if not self._may_ask(node_id):
                self._forget(node_id)

    async def _answer(self, sender: str, _message: Reflect) -> Reflecting:
        if not self._may_ask(sender):
            raise Forbidden("only members of this node's hub may ask what address they have")
        self._forget(sender)
        if len(self._indices) >= MAX_ASKERS:
            self._forget(next(iter(self._indices)))
        index, key = self._free_index(), secrets.token_bytes(KEY_LENGTH)
        self._indices[sender] = index
        self._topology.admit_reflection(index, key)
        return Reflecting(best_addresses(own_candidates(self._topology, self._configured)), index, key)

    def _free_index(self) -> int:
        taken = set(self._indices.values())
        while (index := secrets.randbits(32)) in taken:
            pass
        return index

    def _forget(self, node_id: str) -> None:
        if (index := self._indices.pop(node_id, None)) is not None:
            self._topology.dismiss_reflection(index)


class Reflectors:
    """Finds those who tell this node what address it has, and hands them to the data plane."""

    def __init__(self, control: Control, topology: Topology, directory: Directory) -> None:
        self._control = control
        self._topology = topology
        self._directory = directory
        self._known: dict[str, Reflecting] = {}
        self._handed_over: list[Reflector] = []
        self._work = anyio.Event()
        directory.on_attached(lambda: self._work.set())
        directory.relays.on_change(lambda: self._work.set())
        control.on_presence(self._on_presence)

    async def run(self) -> None:
        """Asks hubs and relays, and asks again those that were away."""
        while True:
            self._work = anyio.Event()
            wanted = self._wanted()
            for node_id in self._known.keys() - wanted:
                del self._known[node_id]
            async with anyio.create_task_group() as tasks:
                for node_id in wanted:
                    if node_id not in self._known:
                        tasks.start_soon(self._ask, node_id)
            self._hand_over()
            complete = self._known.keys() >= set(wanted)
            with anyio.move_on_after(None if complete else ASK_AGAIN_SECONDS):
                await self._work.wait()

    def _wanted(self) -> list[str]:
        """Lists relays in use before hubs, as they are the nearest, and no node twice."""
        in_use = set(self._directory.relays.texts)
        relays = [entry.node_id for entry in self._directory.relays.known if entry.offer.texts[0] in in_use]
        candidates = dict.fromkeys([*relays, *self._directory.hubs])
        return [node_id for node_id in candidates if node_id != self._control.node_id][:MAX_REFLECTORS]

    def _hand_over(self) -> None:
        reflectors = [
            (address, reflecting.index, reflecting.key)
            for reflecting in self._known.values()
            for address in reflecting.addresses
        ]
        if reflectors != self._handed_over:
            self._handed_over = reflectors
            self._topology.set_reflectors(reflectors)

    async def _ask(self, node_id: str) -> None:
        try:
            reflecting = await self._control.request(node_id, Reflect(), Reflecting, ASK_TIMEOUT)
            _check(reflecting)
        except GolemVpnError as error:
            _log.debug("reflection.not_told", node=node_id, error=error.message)
            return
        self._known[node_id] = reflecting

    def _on_presence(self, node_id: str, connected: bool) -> None:
        # It may have restarted, and know nothing of the index any more.
        if not connected and self._known.pop(node_id, None) is not None:
            self._work.set()


def best_addresses(candidates: Sequence[Candidate]) -> tuple[str, ...]:
    """Gives the one address of each IP version that most others can reach.

    Two addresses of one machine would be seen through different routes, which looks like a NAT that chooses a port per
    destination.
    """
    best: dict[int, str] = {}
    for candidate in sorted(candidates, key=lambda it: it.source == "interface" and not _is_global(it.address)):
        best.setdefault(_ip(candidate.address).version, candidate.address)
    return tuple(best[version] for version in sorted(best))


def _check(reflecting: Reflecting) -> None:
    if len(reflecting.key) != KEY_LENGTH or not 0 <= reflecting.index < 1 << 32:
        raise InvalidInput("a reflector's key has 32 bytes, and its index is a number of 32 bits")
    if len(reflecting.addresses) > MAX_ADDRESSES:
        raise InvalidInput(f"a reflector has at most {MAX_ADDRESSES} addresses")
    for address in reflecting.addresses:
        check_socket_address(address)


def _is_global(address: str) -> bool:
    return _ip(address).is_global


def _ip(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(Address.parse(address).host)
