"""What control needs of the endpoint that carries its messages; the native one and the one in memory both fit."""

from typing import Protocol

MAX_MESSAGE = 1024 * 1024
"""The bytes that a message or an answer may have."""

EVENT_CONNECTED = "connected"
EVENT_DISCONNECTED = "disconnected"


class EndpointError(Exception):
    """The other endpoint could not be reached, or went away before it answered."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent
        """Whether the other side may have received the message."""


class EndpointClosed(Exception):
    """This endpoint was closed; nothing more arrives."""


class Request(Protocol):
    """A message that awaits its answer."""

    @property
    def endpoint_id(self) -> bytes:
        """The sender's endpoint, as its connection proved."""

    @property
    def message(self) -> bytes:
        """What was sent."""

    def respond(self, message: bytes) -> None:
        """Answers; a sender who left meanwhile is no error."""


class Endpoint(Protocol):
    """Carries messages over connections that both ends authenticate by endpoint id."""

    @property
    def endpoint_id(self) -> bytes:
        """The public key of this endpoint."""

    @property
    def carrier_id(self) -> bytes:
        """The public key by which relays know this node's packets; empty where it takes none through relays."""

    @property
    def addresses(self) -> list[str]:
        """Where others may dial this endpoint, `IP:PORT`."""

    @property
    def home_relay(self) -> str | None:
        """The relay through which this endpoint can be dialled now."""

    def set_relays(self, relays: list[str]) -> None:
        """Uses these relays from now on, in place of those before."""

    async def request(self, endpoint_id: bytes, addresses: list[str], message: bytes, timeout: float) -> bytes:
        """Sends a message and returns its answer; dials where there is no connection yet: `IP:PORT`, or a relay.

        Raises:
            EndpointError: there was no way to that endpoint, or no answer in time.
        """

    async def accept(self) -> Request:
        """Waits for the next message from any endpoint.

        Raises:
            EndpointClosed: there will be none.
        """

    def authorize(self, endpoint_id: bytes, node_id: str, addresses: list[str]) -> None:
        """Lets the native core take handshakes of this endpoint as those of the node, and dial it for its own."""

    def revoke(self, endpoint_id: bytes) -> None:
        """Takes back what `authorize` gave."""

    async def next_event(self) -> tuple[str, bytes]:
        """Waits until an endpoint gets connected, or loses its last connection.

        Raises:
            EndpointClosed: there will be none.
        """

    def disconnect_idle(self, endpoint_id: bytes, seconds: float) -> bool:
        """Ends the connection if nobody asked anything over it for so long; tells whether there is none then."""

    async def close(self) -> None:
        """Ends all connections."""
