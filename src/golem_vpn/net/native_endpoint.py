"""The endpoint over iroh, from the native core."""

import contextlib

import structlog

from golem_vpn import _native
from golem_vpn.errors import ConfigurationError
from golem_vpn.net.endpoint import EndpointClosed, EndpointError
from golem_vpn.net.identity import node_id_bytes

_log = structlog.get_logger(__name__)


class NativeEndpoint:
    """Carries control messages over QUIC connections."""

    def __init__(self, native: _native.Endpoint) -> None:
        self.native = native
        self._closed = False

    @classmethod
    async def bind(cls, secret_key: bytes, listen: str) -> "NativeEndpoint":
        """Binds the endpoint's socket at `IP:PORT`.

        Raises:
            ConfigurationError: the port is taken, or the address is not this machine's.
        """
        try:
            return cls(await _native.Endpoint.bind(secret_key, listen))
        except (ValueError, _native.NativeError) as error:
            raise ConfigurationError(f"{error}; does another daemon run there? See --listen") from error

    @classmethod
    async def relayed_only(cls, secret_key: bytes) -> "NativeEndpoint":
        """Opens an endpoint without a socket, whose connections go through relays alone."""
        return cls(await _native.Endpoint.relayed_only(secret_key))

    @property
    def endpoint_id(self) -> bytes:
        """The public key of this endpoint."""
        return self.native.endpoint_id

    @property
    def carrier_id(self) -> bytes:
        """The public key by which relays know this node's packets."""
        return self.native.carrier_id

    @property
    def addresses(self) -> list[str]:
        """Where others may dial this endpoint."""
        return self.native.addresses

    @property
    def home_relay(self) -> str | None:
        """The relay through which this endpoint can be dialled now."""
        return self.native.home_relay

    def set_relays(self, relays: list[str]) -> None:
        """Uses these relays from now on."""
        self.native.set_relays(relays)

    async def request(self, endpoint_id: bytes, addresses: list[str], message: bytes, timeout: float) -> bytes:
        """Sends a message and returns its answer."""
        try:
            return await self.native.request(endpoint_id, addresses, message, timeout)
        except ValueError as error:
            # A record can name an endpoint id that is no key; nobody can be there.
            raise EndpointError(str(error), sent=False) from None
        except _native.ControlError as error:
            raise EndpointError(str(error), sent=error.reason != "unreachable") from None

    async def accept(self) -> _native.Request:
        """Waits for the next message."""
        try:
            return await self.native.accept()
        except _native.NativeError as error:
            raise EndpointClosed from error

    def authorize(self, endpoint_id: bytes, node_id: str, addresses: list[str]) -> None:
        """Lets the native core take handshakes of this endpoint as those of the node."""
        try:
            self.native.authorize(endpoint_id, node_id_bytes(node_id), addresses)
        except ValueError as error:
            _log.warning("endpoint.not_authorized", node=node_id, error=str(error))

    def revoke(self, endpoint_id: bytes) -> None:
        """Takes back what `authorize` gave."""
        with contextlib.suppress(ValueError):
            self.native.revoke(endpoint_id)

    async def next_event(self) -> tuple[str, bytes]:
        """Waits for a connection to come or go."""
        try:
            return await self.native.next_event()
        except _native.NativeError as error:
            raise EndpointClosed from error

    def disconnect_idle(self, endpoint_id: bytes, seconds: float) -> bool:
        """Ends the connection if nobody asked anything over it for so long; tells whether there is none then."""
        return self.native.disconnect_idle(endpoint_id, seconds)

    async def close(self) -> None:
        """Ends all connections."""
        if not self._closed:
            self._closed = True
            await self.native.close()
