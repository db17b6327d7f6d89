"""Twins in memory: many endpoints in one process, without sockets, and with links that tests can cut."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import anyio

from golem_vpn.net.endpoint import EVENT_CONNECTED, EVENT_DISCONNECTED, EndpointClosed, EndpointError
from golem_vpn.net.relay_address import GUEST_MARK, is_relay, parse_relay

Loss = Callable[[bytes], bool]
"""Tells of a message that is on its way out whether it gets lost."""


class MemoryWire:
    """What the endpoints of one test share."""

    def __init__(self) -> None:
        self.endpoints: dict[bytes, MemoryEndpoint] = {}
        self.relays: dict[bytes, MemoryRelay] = {}
        self._cut: set[frozenset[bytes]] = set()
        self._count = 0

    def endpoint(self, endpoint_id: bytes) -> "MemoryEndpoint":
        """Makes an endpoint; one of the same id that is there, it replaces."""
        self._count += 1
        endpoint = MemoryEndpoint(self, endpoint_id, f"127.0.0.1:{self._count}")
        self.endpoints[endpoint_id] = endpoint
        return endpoint

    def relay(self, pin: bytes) -> "MemoryRelay":
        """Makes a relay; one of the same pin that is there, it replaces."""
        self._count += 1
        relay = self.relays[pin] = MemoryRelay(self, f"127.0.0.1:{self._count}", pin)
        return relay

    def cut(self, one: "MemoryEndpoint", other: "MemoryEndpoint") -> None:
        """Breaks the link of two endpoints."""
        self._cut.add(frozenset((one.endpoint_id, other.endpoint_id)))
        one.disconnect(other.endpoint_id)

    def mend(self, one: "MemoryEndpoint", other: "MemoryEndpoint") -> None:
        """Makes the link of two endpoints whole again."""
        self._cut.discard(frozenset((one.endpoint_id, other.endpoint_id)))

    def between(self, one: bytes, other: bytes, addresses: list[str]) -> "MemoryEndpoint":
        """Finds the endpoint behind some addresses."""
        endpoint = self.endpoints.get(other)
        if endpoint is None or frozenset((one, other)) in self._cut:
            raise EndpointError("no endpoint answers", sent=False)
        if other in self.endpoints[one].connected or set(endpoint.addresses) & set(addresses):
            return endpoint
        relays = filter(None, map(self._relay_of, addresses))
        if any(relay.lets_in(self.endpoints[one]) and relay.lets_in(endpoint) for relay in relays):
            return endpoint
        raise EndpointError("nobody listens at these addresses", sent=False)

    def _relay_of(self, address: str) -> "MemoryRelay | None":
        return self.relays.get(parse_relay(address).pin) if is_relay(address) else None


class MemoryRelay:
    """A relay that carries between those whom it admits."""

    def __init__(self, wire: MemoryWire, address: str, pin: bytes) -> None:
        self.address = address
        self.pin = pin
        self.admitted: set[bytes] = set()
        self.passes: set[str] = set()
        self._wire = wire

    def set_admitted(self, keys: Collection[bytes], passes: Collection[str]) -> None:
        """Lets these in, and no others."""
        self.admitted = set(keys)
        self.passes = set(passes)

    def lets_in(self, endpoint: "MemoryEndpoint") -> bool:
        """Tells whether an endpoint may connect, and does."""
        texts = [text for text in endpoint.relays if _pin_of(text) == self.pin]
        said = {text.partition(GUEST_MARK)[2] for text in texts}
        return bool(texts) and (endpoint.endpoint_id in self.admitted or not self.passes.isdisjoint(said))

    def counters(self) -> dict[str, int]:
        """Counts whom it admits."""
        return {"admitted": len(self.admitted)}

    async def close(self) -> None:
        """Leaves the wire."""
        if self._wire.relays.get(self.pin) is self:
            del self._wire.relays[self.pin]


@dataclass
class MemoryRequest:
    """A message in memory."""

    endpoint_id: bytes
    message: bytes
    answered: anyio.Event = field(default_factory=anyio.Event)
    answer: bytes = b""

    def respond(self, message: bytes) -> None:
        """Answers the sender."""
        self.answer = message
        self.answered.set()


class MemoryEndpoint:
    """An endpoint whose connections are entries of a set."""

    def __init__(self, wire: MemoryWire, endpoint_id: bytes, address: str) -> None:
        self.endpoint_id = endpoint_id
        self.carrier_id = bytes(reversed(endpoint_id))
        self.addresses = [address]
        self.relays: list[str] = []
        self.connected: set[bytes] = set()
        self.used: dict[bytes, float] = {}
        """When something was asked last, either way, of those that were connected."""
        self.authorized: dict[bytes, tuple[str, list[str]]] = {}
        self.lose: Loss = lambda _message: False
        self._wire = wire
        self._requests: asyncio.Queue[MemoryRequest | None] = asyncio.Queue()
        self._events: asyncio.Queue[tuple[str, bytes] | None] = asyncio.Queue()

    @property
    def home_relay(self) -> str | None:
        """The first relay that is there and admits this endpoint."""
        there = ((text, self._wire.relays.get(_pin_of(text))) for text in self.relays)
        return next((text for text, relay in there if relay is not None and relay.lets_in(self)), None)

    def set_relays(self, relays: list[str]) -> None:
        """Uses these relays."""
        self.relays = relays

    async def request(self, endpoint_id: bytes, addresses: list[str], message: bytes, timeout: float) -> bytes:
        """Hands a message to another endpoint of the wire and returns its answer."""
        await anyio.lowlevel.checkpoint()
        other = self._wire.between(self.endpoint_id, endpoint_id, addresses)
        self._connect(other)
        self.used[endpoint_id] = other.used[self.endpoint_id] = anyio.current_time()
        request = MemoryRequest(self.endpoint_id, message)
        if self.lose(message):
            raise EndpointError("the message was lost", sent=True)
        other.deliver(request)
        with anyio.move_on_after(timeout):
            await request.answered.wait()
            return request.answer
        raise EndpointError("no answer in time", sent=True)

    async def accept(self) -> MemoryRequest:
        """Waits for the next message."""
        if request := await self._requests.get():
            return request
        raise EndpointClosed

    def authorize(self, endpoint_id: bytes, node_id: str, addresses: list[str]) -> None:
        """Notes that an endpoint is a node's."""
        self.authorized[endpoint_id] = (node_id, addresses)

    def revoke(self, endpoint_id: bytes) -> None:
        """Forgets whose an endpoint is."""
        self.authorized.pop(endpoint_id, None)

    async def next_event(self) -> tuple[str, bytes]:
        """Waits for a connection to come or go."""
        if event := await self._events.get():
            return event
        raise EndpointClosed

    def disconnect_idle(self, endpoint_id: bytes, seconds: float) -> bool:
        """Ends an idle connection; tells whether there is none then."""
        if endpoint_id in self.connected and anyio.current_time() < self.used[endpoint_id] + seconds:
            return False
        self.disconnect(endpoint_id)
        return True

    async def close(self) -> None:
        """Leaves the wire."""
        for endpoint_id in tuple(self.connected):
            self.disconnect(endpoint_id)
        if self._wire.endpoints.get(self.endpoint_id) is self:
            del self._wire.endpoints[self.endpoint_id]
        self._requests.put_nowait(None)
        self._events.put_nowait(None)

    def deliver(self, request: MemoryRequest) -> None:
        """Takes in a message of another endpoint."""
        self._requests.put_nowait(request)

    def disconnect(self, endpoint_id: bytes) -> None:
        """Ends the connection with another endpoint."""
        if endpoint_id not in self.connected:
            return
        self._note(EVENT_DISCONNECTED, endpoint_id)
        if other := self._wire.endpoints.get(endpoint_id):
            other._note(EVENT_DISCONNECTED, self.endpoint_id)

    def _connect(self, other: "MemoryEndpoint") -> None:
        if other.endpoint_id not in self.connected:
            self._note(EVENT_CONNECTED, other.endpoint_id)
            other._note(EVENT_CONNECTED, self.endpoint_id)

    def _note(self, event: str, endpoint_id: bytes) -> None:
        if event == EVENT_CONNECTED:
            self.connected.add(endpoint_id)
        else:
            self.connected.discard(endpoint_id)
        self._events.put_nowait((event, endpoint_id))


def _pin_of(relay: str) -> bytes:
    return parse_relay(relay.partition(GUEST_MARK)[0]).pin
