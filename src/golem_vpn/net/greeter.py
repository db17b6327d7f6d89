"""Who is at the other end: hellos, which endpoint belongs to which node, and which nodes are connected.

A hello shows the signed record. The endpoint that the record names must be the one at the other end of the connection,
which the connection itself proved; from then on what comes from that endpoint comes from that node.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable

import structlog

from golem_vpn.errors import Expelled, InvalidInput, PeerRefused
from golem_vpn.net import wire
from golem_vpn.net.book import RecordBook
from golem_vpn.net.endpoint import EVENT_CONNECTED, Endpoint
from golem_vpn.net.own_record import OwnRecord, milliseconds_now
from golem_vpn.net.record import KnownRecord, NodeRecord, SignedRecord, check_fresh, open_record
from golem_vpn.net.relay_address import RelayNames

MAX_GREETED = 4096
"""How many endpoints are remembered; those that left longest ago are forgotten first."""

PresenceListener = Callable[[str, bool], None]
Refusal = Callable[[str], bool]

_log = structlog.get_logger(__name__)


class Greeter:
    """Exchanges hellos and remembers whose the endpoints are."""

    def __init__(self, endpoint: Endpoint, own_record: OwnRecord, book: RecordBook, names: RelayNames) -> None:
        self.connected: set[str] = set()
        """The nodes that a control connection stands to."""
        self.wanted: set[str] = set()
        """The nodes that are never forgotten."""
        self.refuses: Refusal = _refuse_nobody
        """Tells of a node whether nothing is taken from it."""
        self._endpoint = endpoint
        self._own_record = own_record
        self._book = book
        self._names = names
        self._node_of: OrderedDict[bytes, str] = OrderedDict()
        self._endpoints_of: defaultdict[str, set[bytes]] = defaultdict(set)
        self._live: set[bytes] = set()
        self._listeners: list[PresenceListener] = []
        book.on_change(self._on_record)

    def on_presence(self, listener: PresenceListener) -> None:
        """Adds a listener that hears when a node gets connected, and when its connection is lost."""
        self._listeners.append(listener)

    def node_of(self, endpoint_id: bytes) -> str | None:
        """Tells whose an endpoint is, if it said hello."""
        return self._node_of.get(endpoint_id)

    async def greet(self, endpoint_id: bytes, addresses: list[str], timeout: float) -> NodeRecord:
        """Says hello to an endpoint and learns who it is.

        Raises:
            EndpointError: it cannot be reached.
            PeerRefused: it refuses the hello, or its own is not right.
        """
        hello = wire.encode(wire.Hello(self._own_record.current().signed))
        reply = wire.decode_reply(await self._endpoint.request(endpoint_id, addresses, hello, timeout))
        if isinstance(reply, wire.Refusal):
            raise PeerRefused(f"the other node refuses the hello: {reply.message}")
        welcome = wire.answer_of(reply, wire.Welcome)
        try:
            return self._acquaint(endpoint_id, welcome.record)
        except (InvalidInput, Expelled) as error:
            raise PeerRefused(f"the other node does not prove who it is: {error.message}") from None

    def welcome(self, endpoint_id: bytes, hello: wire.Hello) -> wire.Welcome:
        """Takes in a hello and answers it.

        Raises:
            InvalidInput: its record is not right.
            Expelled: a hub expelled the node.
        """
        self._acquaint(endpoint_id, hello.record)
        return wire.Welcome(self._own_record.current().signed)

    def dismiss(self, node_id: str) -> None:
        """Makes a node a stranger, whose requests are refused until it says hello."""
        for endpoint_id in tuple(self._endpoints_of.get(node_id, ())):
            self._forget(endpoint_id)

    def handle_event(self, event: str, endpoint_id: bytes) -> None:
        """Notes that an endpoint got connected, or lost its connection."""
        if event == EVENT_CONNECTED:
            self._live.add(endpoint_id)
        else:
            self._live.discard(endpoint_id)
        self._note_presence(self._node_of.get(endpoint_id))

    def _acquaint(self, endpoint_id: bytes, signed: SignedRecord) -> NodeRecord:
        shown = open_record(signed).record
        if shown.endpoint_id != endpoint_id:
            raise InvalidInput("the node record names another endpoint than that of the connection")
        if shown.node_id == self._own_record.current().record.node_id:
            raise InvalidInput(f"{shown.node_id} is this node itself; was its key copied to two machines?")
        check_fresh(shown, milliseconds_now())
        if any(map(self.refuses, shown.identities)):
            raise Expelled(f"{shown.node_id} was expelled from the hub")
        record = self._book.learn(signed)
        if self._node_of.get(endpoint_id) not in (None, record.node_id):
            self._forget(endpoint_id)
        self._node_of[endpoint_id] = record.node_id
        self._endpoints_of[record.node_id].add(endpoint_id)
        self._node_of.move_to_end(endpoint_id)
        self._endpoint.authorize(endpoint_id, record.node_id, self._names.dialled(record.control_addresses))
        self._forget_some()
        self._note_presence(record.node_id)
        return record

    def _on_record(self, old: NodeRecord | None, new: KnownRecord) -> None:
        if old is not None and old.endpoint_id != new.record.endpoint_id:
            self._forget(old.endpoint_id)

    def _forget_some(self) -> None:
        if len(self._node_of) <= MAX_GREETED:
            return
        for endpoint_id, node_id in self._node_of.items():
            if endpoint_id not in self._live and node_id not in self.wanted:
                self._forget(endpoint_id)
                return

    def _forget(self, endpoint_id: bytes) -> None:
        self._endpoint.revoke(endpoint_id)
        node_id = self._node_of.pop(endpoint_id, None)
        if node_id is not None:
            self._endpoints_of[node_id].discard(endpoint_id)
            if not self._endpoints_of[node_id]:
                del self._endpoints_of[node_id]
        self._note_presence(node_id)

    def _note_presence(self, node_id: str | None) -> None:
        if node_id is None:
            return
        connected = not self._live.isdisjoint(self._endpoints_of.get(node_id, ()))
        if connected == (node_id in self.connected):
            return
        if connected:
            self.connected.add(node_id)
        else:
            self.connected.discard(node_id)
        _log.info("control.connected" if connected else "control.disconnected", node=node_id)
        for listener in tuple(self._listeners):
            listener(node_id, connected)


def _refuse_nobody(_node_id: str) -> bool:
    return False
