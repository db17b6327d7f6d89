"""The native core: control connections, packets, user-space streams, sandboxes."""

from asyncio import Future
from typing import Literal, final

__all__ = ["ConnectError", "ControlError", "Endpoint", "NativeError", "Request", "sandbox_main"]

class NativeError(Exception):
    """The native core could not do what was asked."""

class ConnectError(NativeError):
    """A stream through a network could not be opened."""

    reason: Literal["refused", "timed-out", "no-route", "too-many"]

class ControlError(NativeError):
    """A peer has not answered."""

    reason: Literal["unreachable", "interrupted", "timed-out", "refused", "malformed", "too-long", "closed"]

@final
class Endpoint:
    """Control connections to the daemons of other nodes, dialled by key."""

    @property
    def endpoint_id(self) -> bytes:
        """The public key that others dial."""

    @property
    def addresses(self) -> list[str]:
        """Where others may reach this endpoint, as of now; never an address of an overlay."""

    @staticmethod
    def bind(secret_key: bytes, listen: str) -> Future[Endpoint]:
        """Listens at `IP:PORT`; `0.0.0.0` means every interface, with IPv6 where the machine has it."""

    def request(self, endpoint_id: bytes, addresses: list[str], message: bytes, timeout: float) -> Future[bytes]:
        """Sends a message of at most 1 MiB and waits for the reply.

        Raises:
            ControlError: there is no reply; `reason` says why.
        """

    def accept(self) -> Future[Request]:
        """Waits for the next request of a peer; raises when the endpoint is closed."""

    def authorize(self, endpoint_id: bytes, node_id: bytes, addresses: list[str]) -> None:
        """Says that an endpoint has proved to speak for a node, and where to reach it. Sessions for packets need it."""

    def revoke(self, endpoint_id: bytes) -> None:
        """Makes an endpoint a stranger again."""

    def next_event(self) -> Future[tuple[Literal["connected", "disconnected"], bytes]]:
        """Waits for a peer to come ("connected") or go ("disconnected"), with its endpoint id."""

    def close(self) -> Future[None]:
        """Says farewell to all peers and frees the port."""

@final
class Request:
    """A message of a peer that waits for its reply; dropped unanswered, the peer is refused."""

    @property
    def endpoint_id(self) -> bytes:
        """The key that the peer has proved to hold."""

    @property
    def remote(self) -> str:
        """The `IP:PORT` that the peer's packets come from; empty if they come some other way."""

    @property
    def message(self) -> bytes: ...
    def respond(self, message: bytes) -> None:
        """Sends the reply; a second one is an error."""

def sandbox_main(arguments: list[str]) -> int:
    """Runs the process that makes and holds an activity's namespaces, in which it is alone; gives its exit code."""
