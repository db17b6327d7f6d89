"""How this node does with each relay that it knows."""

from typing import Any, Literal

import msgspec

from golem_vpn.net.relays import Relays

State = Literal["connected", "connecting", "failed", "unused"]


class RelayState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A relay of the joined hubs."""

    url: str
    """As this node dials it; as the relay prefers it where it is unused."""
    node_id: str
    """The node that runs it."""
    own: bool
    """Whether that is this node."""
    state: State
    """`unused` where nearer ones are in use."""
    rtt_ms: float | None = None
    failure: str | None = None
    """Why there is no connection, in words."""


def relay_states(relays: Relays, own_node_id: str, snapshot: dict[str, Any]) -> list[RelayState]:
    """Joins what is known of relays with what the data plane says of its connections."""
    connections = {connection["url"]: connection for connection in snapshot.get("relays", ())}
    in_use = {relays.canonical(text): text for text in relays.in_use}
    states = []
    for entry in relays.known:
        canonical = entry.offer.texts[0]
        url = in_use.get(canonical, canonical)
        connection = connections.get(url, {})
        states.append(
            RelayState(
                url=url,
                node_id=entry.node_id,
                own=entry.node_id == own_node_id,
                state=connection.get("state", "connecting") if canonical in in_use else "unused",
                rtt_ms=connection.get("rttMs"),
                failure=connection.get("failure"),
            )
        )
    return states
