"""Peers as the API shows them: what the data plane counts in seconds, in dates."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from golem_vpn.api.models import PeerInfo

NO_PATH: dict[str, Any] = {"kind": "none", "reason": "no path has been tried yet"}


def peer_info(node_id: str, name: str, online: bool, counted: Mapping[str, Any], now: datetime) -> PeerInfo:
    """Joins what is known of a peer.

    Args:
        node_id: The peer.
        name: What it calls itself.
        online: Whether a control connection stands.
        counted: What the data plane says of it; nothing where it knows nothing.
        now: The moment that its seconds count from.
    """
    path = dict(counted.get("path", NO_PATH))
    path["since"] = _ago(path.get("since"), now)
    path["nextTry"] = _ago(path.get("nextTry"), now, -1)
    known = {**counted, "nodeId": node_id, "name": name, "online": online, "path": path}
    return msgspec.convert(known, type=PeerInfo)


def _ago(seconds: float | None, now: datetime, direction: int = 1) -> datetime | None:
    return None if seconds is None else now - direction * timedelta(seconds=seconds)
