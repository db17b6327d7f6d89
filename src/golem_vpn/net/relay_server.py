"""What the rest of Golem Net asks of a relay that this daemon runs; the native one and the one in memory both fit."""

from collections.abc import Collection
from typing import Protocol


class RelayServer(Protocol):
    """Carries sealed datagrams and control connections between those who are admitted."""

    @property
    def address(self) -> str:
        """Where it listens, `IP:PORT`."""

    @property
    def pin(self) -> bytes:
        """The SHA-256 of its certificate."""

    def set_admitted(self, keys: Collection[bytes], passes: Collection[str]) -> None:
        """Lets these endpoints and carriers connect from now on, guests with these passes too, and cuts all others."""

    def counters(self) -> dict[str, int]:
        """Counts what went through."""

    async def close(self) -> None:
        """Ends all connections."""
