"""What `golem-vpn doctor` says of Golem Net, by what a running daemon knows."""

from collections.abc import Mapping, Sequence
from typing import Any

from golem_vpn.doctor import Finding
from golem_vpn.sdk.client import Client
from golem_vpn.sdk.models import Relay


async def look_at_net(client: Client) -> list[Finding]:
    """Asks a daemon for its relays and for what others see of it."""
    status = await client.status()
    return [*relay_findings(await client.relays()), *reflection_findings(status.get("nat", {}))]


def relay_findings(relays: Sequence[Relay]) -> list[Finding]:
    """Gives a line for each relay that is to be used."""
    used = [relay for relay in relays if relay.state != "unused"]
    if not used:
        cure = "run `golem-vpn relay` on a machine that all others reach"
        return [_note("relays", False, "there is none, so nodes behind NATs may not reach each other", cure)]
    return [_relay_finding(relay) for relay in used]


def _relay_finding(relay: Relay) -> Finding:
    name = f"relay {relay.url.removeprefix('https://').partition('#')[0]}"
    if relay.state == "connected":
        return _note(name, True, "connected" if relay.rtt_ms is None else f"connected, {relay.rtt_ms:.3g} ms away")
    cause = f"{relay.state}: {relay.failure}" if relay.failure else relay.state
    return _note(name, False, cause, f"does the daemon of {relay.node_id} run, and may this machine reach that port?")


def reflection_findings(nat: Mapping[str, Any]) -> list[Finding]:
    """Gives a line about the address that others see."""
    reflected = nat.get("reflected", ())
    if not reflected:
        cause = "nobody told this node its own address: UDP may be blocked, or there is no hub or relay to ask"
        return [_note("address outside", False, cause, "let UDP out; packets go through relays until then")]
    seen = ", ".join(reflected)
    if nat.get("symmetric"):
        cure = "forward the packet port and name it by --public-address, or try --port-mapping"
        return [_note("address outside", False, f"{seen}: a NAT here chooses a port per destination", cure)]
    return [_note("address outside", True, seen)]


def _note(name: str, ok: bool, cause: str, cure: str = "") -> Finding:
    return Finding(name=name, ok=ok, cause=cause, cure="" if ok else cure, required=False)
