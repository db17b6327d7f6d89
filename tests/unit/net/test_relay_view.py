from pathlib import Path

import pytest

from golem_vpn.net.memory import MemoryWire
from golem_vpn.net.relay_view import RelayState, relay_states
from tests.unit.net.kit import cluster, eventually

pytestmark = pytest.mark.anyio


async def test_each_relay_has_its_state(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True, relay=True)
        relay = await nodes.start("relay", relay=True, join=hub)
        await eventually(lambda: len(relay.node.relays.in_use) == 2)
        snapshot = {"relays": [{"url": hub.relay_text, "state": "failed", "rttMs": None, "failure": "refused"}]}
        own, other = relay_states(relay.node.relays, relay.id, snapshot)
        assert own == RelayState(url=relay.relay_text, node_id=relay.id, own=True, state="connecting")
        assert other == RelayState(url=hub.relay_text, node_id=hub.id, own=False, state="failed", failure="refused")


async def test_a_relay_that_is_too_far_is_unused(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        relays = [await nodes.start(f"relay-{number}", relay=True, join=hub) for number in range(5)]
        await eventually(lambda: len(hub.node.relays.known) == len(relays))
        states = [it.state for it in relay_states(hub.node.relays, hub.id, {})]
        assert sorted(states) == ["connecting"] * 4 + ["unused"]
