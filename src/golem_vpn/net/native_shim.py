"""Stands in for what the native core does not have yet; where it has it, nothing here is used."""

from collections.abc import Sequence
from typing import Any, Protocol, cast

from golem_vpn import _native


class EndpointBorder(Protocol):
    """What the adapters ask of the native endpoint beyond what its stub has."""

    carrier_id: bytes
    home_relay: str | None

    def set_relays(self, relays: list[str]) -> None: ...


class DataPlaneBorder(Protocol):
    """What the adapters ask of the native data plane beyond what its stub has."""

    reflected: list[str]
    mapped: list[str]

    def set_peer(
        self, node_id: bytes, candidates: list[tuple[str, str]], relays: list[str], carrier_id: bytes | None
    ) -> None: ...
    def set_relays(self, relays: list[str]) -> None: ...
    def set_reflectors(self, reflectors: list[tuple[str, int, bytes]]) -> None: ...
    def admit_reflection(self, index: int, key: bytes) -> None: ...
    def dismiss_reflection(self, index: int) -> None: ...
    def set_port_mapping(self, enabled: bool) -> None: ...


class RelayBorder(Protocol):
    """A relay of the native core."""

    address: str
    pin: str

    def set_admitted(self, endpoint_ids: list[bytes], passes: list[str]) -> None: ...
    def counters(self) -> dict[str, int]: ...
    async def close(self) -> None: ...


class RelayMaker(Protocol):
    """What makes relays and certificates."""

    async def start(
        self, listen: str, certificate: bytes | None, key: bytes | None, *, bytes_per_second: int | None
    ) -> RelayBorder: ...
    def make_certificate(self, names: list[str]) -> tuple[bytes, bytes]: ...


def has_relay() -> bool:
    """Tells whether this native core can run a relay."""
    return hasattr(_native, "Relay")


def relay_border() -> RelayMaker:
    """Gives what makes relays."""
    return cast("RelayMaker", getattr(_native, "Relay"))  # noqa: B009


def endpoint_border(native: _native.Endpoint) -> EndpointBorder:
    """Gives the endpoint itself, or one without relays."""
    return cast("EndpointBorder", native if hasattr(native, "set_relays") else _EndpointWithoutRelays())


def data_plane_border(native: _native.DataPlane) -> DataPlaneBorder:
    """Gives the data plane itself, or one that knows direct addresses alone."""
    return cast("DataPlaneBorder", native if hasattr(native, "set_reflectors") else _DirectDataPlane(native))


def with_paths(snapshot: dict[str, Any]) -> dict[str, Any]:
    """Gives a snapshot in which every peer has a path."""
    for peer in snapshot["peers"]:
        if "path" not in peer:
            address = peer.pop("address")
            peer["path"] = {"kind": "none" if address is None else "direct", "address": address}
            peer["candidates"] = [{"address": it, "source": "interface"} for it in peer["candidates"]]
    return snapshot


class _EndpointWithoutRelays:
    carrier_id = b""
    home_relay: str | None = None

    def set_relays(self, relays: list[str]) -> None: ...


class _DirectDataPlane:
    reflected: Sequence[str] = ()
    mapped: Sequence[str] = ()

    def __init__(self, native: _native.DataPlane) -> None:
        self._native = native

    def set_peer(self, node_id: bytes, candidates: list[tuple[str, str]], _relays: object, _carrier: object) -> None:
        self._native.set_peer(node_id, [address for address, _ in candidates])

    def set_relays(self, relays: list[str]) -> None: ...
    def set_reflectors(self, reflectors: list[tuple[str, int, bytes]]) -> None: ...
    def admit_reflection(self, index: int, key: bytes) -> None: ...
    def dismiss_reflection(self, index: int) -> None: ...
    def set_port_mapping(self, enabled: bool) -> None: ...
