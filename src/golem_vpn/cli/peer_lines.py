"""A peer as people read it: one line of words and units."""

from datetime import UTC, datetime
from typing import NamedTuple

from golem_vpn.sdk.models import Path, Peer

UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))


class PeerLine(NamedTuple):
    """The cells of a line; None where there is nothing to say."""

    name: str | None
    node_id: str
    path: str
    rtt: str | None
    loss: str | None
    mtu: int | None
    reason: str | None


def peer_line(peer: Peer, now: datetime | None = None) -> PeerLine:
    """Writes a peer."""
    path, moment = peer.path, now or datetime.now(UTC)
    return PeerLine(
        name=peer.name or None,
        node_id=peer.node_id,
        path=_way(path, moment),
        rtt=None if path.rtt_ms is None else f"{path.rtt_ms:.3g} ms",
        loss=None if path.loss_percent is None else f"{path.loss_percent:.2g} %",
        mtu=path.mtu,
        reason=_reason(path, moment),
    )


def _way(path: Path, now: datetime) -> str:
    if path.kind == "none":
        return "none"
    way = f"direct to {path.address}" if path.kind == "direct" else f"relayed by {_host(path.relay)}"
    return way if path.since is None else f"{way} for {duration((now - path.since).total_seconds())}"


def _host(relay: str | None) -> str:
    return (relay or "a relay").removeprefix("https://").partition("#")[0]


def _reason(path: Path, now: datetime) -> str | None:
    if path.next_try is None:
        return path.reason
    again = f"tried again in {duration((path.next_try - now).total_seconds())}"
    return again if path.reason is None else f"{path.reason}; {again}"


def duration(seconds: float) -> str:
    """Writes how long something takes, in its largest unit."""
    for length, unit in UNITS:
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
