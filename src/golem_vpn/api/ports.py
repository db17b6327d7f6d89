"""What the API needs of the parts behind it that are made when the daemon is put together."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from golem_vpn.net.hub import Hub
from golem_vpn.net.relay_view import RelayState


class NodeView(Protocol):
    """This node and its data plane, to be looked at."""

    @property
    def node_id(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def started_at(self) -> float:
        """Seconds since 1970."""

    def addresses(self) -> Sequence[str]:
        """Gives where control connections are accepted, as `ip:port`."""

    def peers(self) -> Iterable[str]:
        """Gives the nodes that share a network with this one."""

    def connected(self) -> Iterable[str]:
        """Gives the nodes that a control connection stands to."""

    def name_of(self, node_id: str) -> str:
        """Gives what a node calls itself; nothing where it is not known."""

    async def relays(self) -> list[RelayState]:
        """Gives the relays of the joined hubs, and how this node does with them."""

    def relay_counters(self) -> dict[str, int]:
        """Counts what went through this node's own relay, and who asks it for addresses."""

    async def snapshot(self) -> dict[str, Any]:
        """Gives what the data plane counts, its peers, its devices, and the offloads in use."""


class DirectoryEntry(Protocol):
    """What a hub tells of a node."""

    @property
    def node_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def roles(self) -> Sequence[str]: ...
    @property
    def online(self) -> bool: ...
    @property
    def last_seen(self) -> datetime | None: ...


class Directory(Protocol):
    """The nodes of the joined hubs."""

    def own_hub(self) -> Hub: ...
    async def nodes(self) -> Sequence[DirectoryEntry]: ...
    async def join(self, text: str) -> str: ...
    async def leave(self, hub_id: str | None) -> str: ...


class Provider(Protocol):
    """This node as a provider."""

    async def status(self) -> object: ...
    def presets(self) -> Sequence[object]: ...
    async def pause(self) -> None: ...
    async def resume(self) -> None: ...
