"""A hub that hands out false records: what it says of others counts only as far as they signed it themselves."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.net.memory import MemoryWire
from golem_vpn.net.messages import RecordsChanged
from golem_vpn.net.own_record import milliseconds_now
from golem_vpn.net.record import NodeRecord, SignedRecord, sign
from tests.unit.net.kit import Cluster, Echo, Shout, Station, cluster

pytestmark = pytest.mark.anyio

Lie = Callable[[Station, Station, Station], SignedRecord]
"""What the hub says of the second node, for the good of the third."""


def at_mallorys(bob: Station, mallory: Station) -> NodeRecord:
    """What would lead those who mean Bob to Mallory."""
    return msgspec.structs.replace(
        record_of(bob),
        endpoint_id=mallory.endpoint.endpoint_id,
        control_addresses=tuple(mallory.endpoint.addresses),
        issued_at=milliseconds_now() + 1000,
    )


def signed_by_nobody(_hub: Station, bob: Station, mallory: Station) -> SignedRecord:
    signatures = bob.node.control.own_record.current().signed.signatures
    return SignedRecord(msgspec.msgpack.encode(at_mallorys(bob, mallory)), signatures)


def signed_by_the_hub(hub: Station, bob: Station, mallory: Station) -> SignedRecord:
    body = msgspec.msgpack.encode(at_mallorys(bob, mallory))
    return SignedRecord(body, (hub.node.control.identities.default.sign("record", body),))


def signed_for_something_else(_hub: Station, bob: Station, mallory: Station) -> SignedRecord:
    body = msgspec.msgpack.encode(at_mallorys(bob, mallory))
    return SignedRecord(body, (bob.node.control.identities.default.sign("network", body),))


def of_an_endpoint_before(_hub: Station, bob: Station, mallory: Station) -> SignedRecord:
    before = msgspec.structs.replace(at_mallorys(bob, mallory), issued_at=record_of(bob).issued_at - 1000)
    return sign(before, bob.node.control.identities).signed


@pytest.mark.parametrize(
    "lie",
    [signed_by_nobody, signed_by_the_hub, signed_for_something_else, of_an_endpoint_before],
    ids=lambda lie: lie.__name__,
)
async def test_a_hub_cannot_lead_anybody_to_an_impostor(wire: MemoryWire, tmp_path: Path, lie: Lie) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub, alice, bob, mallory = await four(nodes)
        await alice.node.control.connect(bob.id)
        false = RecordsChanged((lie(hub, bob, mallory),))
        with pytest.raises(InvalidInput):
            await hub.node.control.request(alice.id, false, type(None))
        assert await alice.node.control.request(bob.id, Shout("hey"), Echo) == Echo(alice.id, "hey")
        assert alice.id not in mallory.node.control.connected


async def four(nodes: Cluster) -> tuple[Station, Station, Station, Station]:
    """Starts a hub, and Alice, Bob and Mallory as its members."""
    hub = await nodes.start("hub", hub=True)
    alice, bob, mallory = [await nodes.start(name, join=hub) for name in ("alice", "bob", "mallory")]
    return hub, alice, bob, mallory


def record_of(station: Station) -> NodeRecord:
    """Gives what a node says of itself."""
    return station.node.control.own_record.current().record
