"""Control messages between nodes: typed requests, each answered once; nothing is answered before a hello."""

from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar
from weakref import WeakValueDictionary

import anyio
import structlog

from golem_vpn.errors import Expelled, GolemVpnError, InvalidInput, PeerRefused, PeerUnreachable
from golem_vpn.net import wire
from golem_vpn.net.announcing import Announcer
from golem_vpn.net.book import RecordBook
from golem_vpn.net.dispatcher import Dispatcher, Handler, M
from golem_vpn.net.endpoint import MAX_MESSAGE, Endpoint, EndpointClosed, EndpointError, Request
from golem_vpn.net.exclusions import Exclusions
from golem_vpn.net.greeter import Greeter, PresenceListener
from golem_vpn.net.identity import Identities
from golem_vpn.net.own_record import OwnRecord
from golem_vpn.net.record import KnownRecord, NodeRecord
from golem_vpn.net.relay_address import RelayNames

DEFAULT_TIMEOUT = 10.0

T = TypeVar("T")
Lookup = Callable[[str], Awaitable[KnownRecord | None]]

_log = structlog.get_logger(__name__)


class Control:
    """Sends messages to nodes, and has those of others answered."""

    def __init__(
        self,
        endpoint: Endpoint,
        identities: Identities,
        own_record: OwnRecord,
        book: RecordBook,
        names: RelayNames | None = None,
    ) -> None:
        self.identities = identities
        self.own_record = own_record
        self.book = book
        self.lookup: Lookup = _look_up_nowhere
        """Where to ask for a record that the book does not hold, or that is out of date."""
        self.names = names or RelayNames()
        """What this node calls the relays in other nodes' addresses."""
        self._endpoint = endpoint
        self._dispatcher = Dispatcher()
        self._greeter = Greeter(endpoint, own_record, book, self.names)
        self._greetings: WeakValueDictionary[bytes, anyio.Lock] = WeakValueDictionary()

    @property
    def node_id(self) -> str:
        """The node id of this node: its default identity."""
        return self.identities.default.node_id

    @property
    def connected(self) -> Collection[str]:
        """The nodes that a control connection stands to."""
        return self._greeter.connected

    @property
    def refused(self) -> dict[str, int]:
        """How many requests of others were refused, by reason."""
        return dict(self._dispatcher.refused)

    def on(self, message_type: type[M]) -> Callable[[Handler[M]], Handler[M]]:
        """Registers the decorated function, of the sender's node id and the message, to answer a message type."""
        return self._dispatcher.on(message_type)

    def expect_handlers(self) -> None:
        """Lets messages that have no handler yet wait for one, until `have_handlers`; for while a daemon starts."""
        self._dispatcher.expect_handlers()

    def have_handlers(self) -> None:
        """Says that no more handlers are to come."""
        self._dispatcher.have_handlers()

    def on_presence(self, listener: PresenceListener) -> None:
        """Adds a listener that hears when a node gets connected, and when its connection is lost."""
        self._greeter.on_presence(listener)

    def keep(self, record: NodeRecord) -> None:
        """Lets a node set up sessions before it ever said hello: its verified record proves whose its endpoint is."""
        self._greeter.wanted.add(record.node_id)
        self._endpoint.authorize(record.endpoint_id, record.node_id, self.names.dialled(record.control_addresses))

    def release(self, node_id: str) -> None:
        """Takes back what `keep` gave, up to what a hello gives."""
        self._greeter.wanted.discard(node_id)
        known = self.book.find(node_id)
        if known is not None and self._greeter.node_of(known.record.endpoint_id) is None:
            self._endpoint.revoke(known.record.endpoint_id)

    def part(self, node_id: str, idle_seconds: float) -> bool:
        """Ends the connection to a node if it was idle for so long; tells whether there is none then."""
        known = self.book.find(node_id)
        return known is None or self._endpoint.disconnect_idle(known.record.endpoint_id, idle_seconds)

    def shut_out(self, exclusions: Exclusions) -> None:
        """Has nothing to do with excluded nodes from now on: what they ask is refused, and they are asked nothing."""
        self._greeter.refuses = exclusions.__contains__
        exclusions.on_change(self._on_exclusions)

    def proves(self, sender: str, identity: str) -> bool:
        """Tells whether an identity is one that the sender of a message has proven to be its own."""
        if sender == self.node_id:
            return identity in self.identities
        known = self.book.find(sender)
        return known is not None and identity in known.record.identities

    async def request(
        self,
        node_id: str,
        message: wire.Message,
        answer_type: type[T],
        timeout: float = DEFAULT_TIMEOUT,
        *,
        search: bool = True,
    ) -> T:
        """Sends a message to a node, by any of its identities, and returns the answer.

        Without `search`, a node that is not where it was is not looked up.

        Raises:
            PeerUnreachable: the node is unknown, offline, or silent.
            Expelled: a hub expelled it.
            PeerRefused: it refused, for a reason that has no class here.
            InvalidInput: the message is too long.
            GolemVpnError: it refused with this class of error.
        """
        request = wire.encode(message)
        if len(request) > MAX_MESSAGE:
            raise InvalidInput(
                f"a message to another node has at most {MAX_MESSAGE} bytes, this one has {len(request)}"
            )
        try:
            with anyio.fail_after(timeout):
                if node_id in self.identities:
                    reply = wire.decode_reply(await self._dispatcher.answer(self.node_id, request))
                else:
                    reply = await self._ask(node_id, request, timeout, search)
        except TimeoutError:
            raise PeerUnreachable(f"{node_id} did not answer within {timeout:g} s") from None
        return wire.answer_of(reply, answer_type)

    async def connect(self, node_id: str, timeout: float = DEFAULT_TIMEOUT) -> NodeRecord:
        """Says hello to a node, also to one that knows this node already, and returns its record.

        Raises:
            PeerUnreachable: the node is unknown or offline.
            PeerRefused: it refuses the hello, or does not prove who it is.
        """
        record = await self._resolve(node_id)
        addresses = self.names.dialled(record.control_addresses)
        return await self.introduce(record.endpoint_id, addresses, record.node_id, timeout)

    async def introduce(self, endpoint_id: bytes, addresses: list[str], node_id: str, timeout: float) -> NodeRecord:
        """Says hello to an endpoint that is told to be a certain node's.

        Raises:
            PeerUnreachable: nothing answers there.
            PeerRefused: it refuses the hello, or is not that node.
        """
        try:
            with anyio.fail_after(timeout):
                record = await self._greeter.greet(endpoint_id, addresses, timeout)
        except (EndpointError, TimeoutError) as error:
            raise PeerUnreachable(f"{node_id} cannot be reached: {str(error) or 'no answer in time'}") from None
        if record.node_id != node_id:
            raise PeerRefused(f"expected {node_id} there, but it is {record.node_id}")
        return record

    async def run(self) -> None:
        """Answers messages and follows connections until the endpoint is closed."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._follow_events)
            tasks.start_soon(Announcer(self).run)
            try:
                while True:
                    tasks.start_soon(self._serve, await self._endpoint.accept())
            except EndpointClosed:
                tasks.cancel_scope.cancel()

    async def _ask(self, node_id: str, request: bytes, timeout: float, search: bool) -> wire.Answer | wire.Refusal:
        record = await self._resolve(node_id)
        try:
            return await self._ask_known(record, request, timeout)
        except EndpointError as error:
            # Where the request was sent, it may have been obeyed: only the caller knows whether twice is right.
            newer = await self.lookup(node_id) if search and not error.sent else None
            if newer is None or newer.record.issued_at <= record.issued_at:
                raise PeerUnreachable(f"{node_id} cannot be reached: {error}") from None
        try:
            return await self._ask_known(newer.record, request, timeout)
        except EndpointError as error:
            raise PeerUnreachable(f"{node_id} cannot be reached: {error}") from None

    async def _ask_known(self, record: NodeRecord, request: bytes, timeout: float) -> wire.Answer | wire.Refusal:
        endpoint_id, addresses = record.endpoint_id, self.names.dialled(record.control_addresses)
        await self._greet_once(endpoint_id, addresses, timeout)
        reply = wire.decode_reply(await self._endpoint.request(endpoint_id, addresses, request, timeout))
        if isinstance(reply, wire.Refusal) and reply.reason == wire.HELLO_FIRST:
            # The other node restarted since the last hello; it did not look at the request.
            await self._greeter.greet(endpoint_id, addresses, timeout)
            reply = wire.decode_reply(await self._endpoint.request(endpoint_id, addresses, request, timeout))
        return reply

    async def _greet_once(self, endpoint_id: bytes, addresses: list[str], timeout: float) -> None:
        if self._greeter.node_of(endpoint_id) is not None:
            return
        lock = self._greetings.setdefault(endpoint_id, anyio.Lock())
        async with lock:
            if self._greeter.node_of(endpoint_id) is None:
                await self._greeter.greet(endpoint_id, addresses, timeout)

    async def _resolve(self, node_id: str) -> NodeRecord:
        known = self.book.find(node_id) or await self.lookup(node_id)
        if known is None:
            raise PeerUnreachable(f"nobody knows where {node_id} is; has it joined the same hub?")
        if any(map(self._greeter.refuses, known.record.identities)):
            raise Expelled(f"{node_id} was expelled from the hub")
        return known.record

    def _on_exclusions(self, changed: Collection[str]) -> None:
        for node_id in changed:
            if self._greeter.refuses(node_id):
                self._greeter.dismiss(node_id)

    async def _serve(self, request: Request) -> None:
        reply = await self._reply(request)
        if len(reply) > MAX_MESSAGE:
            _log.error("control.answer_too_long", size=len(reply))
            reply = self._dispatcher.refuse(wire.FAILED, f"the answer has {len(reply)} bytes, more than a message may")
        request.respond(reply)

    async def _reply(self, request: Request) -> bytes:
        hello = wire.decode_hello(request.message)
        if hello is not None:
            try:
                return wire.encode_answer(self._greeter.welcome(request.endpoint_id, hello))
            except GolemVpnError as error:
                return self._dispatcher.refuse(wire.reason_of(error), error.message)
        sender = self._greeter.node_of(request.endpoint_id)
        if sender is None:
            return self._dispatcher.refuse(wire.HELLO_FIRST, "say hello first")
        return await self._dispatcher.answer(sender, request.message)

    async def _follow_events(self) -> None:
        try:
            while True:
                self._greeter.handle_event(*await self._endpoint.next_event())
        except EndpointClosed:
            return


async def _look_up_nowhere(_node_id: str) -> KnownRecord | None:
    return None
