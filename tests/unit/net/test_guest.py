from pathlib import Path

import pytest

from golem_vpn.errors import Forbidden, InvalidInput, PeerUnreachable
from golem_vpn.net.guest import bind_no_guest, endpoint_id_of, guest_key, guest_secret
from golem_vpn.net.memory import MemoryWire
from golem_vpn.net.messages import Join
from golem_vpn.net.ticket import Ticket
from tests.unit.net.kit import cluster

pytestmark = pytest.mark.anyio

TOKEN, OTHER_TOKEN = b"t" * 16, b"u" * 16


def test_a_guest_key_is_the_public_half_of_the_tokens_secret() -> None:
    assert guest_key(TOKEN) == endpoint_id_of(guest_secret(TOKEN))
    assert len({guest_key(TOKEN), guest_key(OTHER_TOKEN), guest_secret(TOKEN), TOKEN}) == 4
    # RFC 8032, section 7.1, test 1.
    secret = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert endpoint_id_of(secret).hex() == public


async def test_a_guest_whose_ticket_is_no_good_stays_outside(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True, relay=True, hidden=True)
        alice = await nodes.start("alice", hidden=True)
        good = Ticket.parse(await hub.node.directory.ticket())
        forged = Ticket(good.hub, good.endpoint_id, (), OTHER_TOKEN, good.expires_at, good.relays)
        # The relay knows no such guest.
        with pytest.raises(PeerUnreachable):
            await alice.node.directory.join(str(forged))
        hub.relay.admitted.add(guest_key(OTHER_TOKEN))
        with pytest.raises(Forbidden):
            await alice.node.directory.join(str(forged))
        assert alice.id not in hub.node.directory.own_hub().members
        await alice.node.directory.join(str(good))
        assert alice.id in hub.node.directory.own_hub().members
        known = hub.node.control.book.find(alice.id)
        assert known is not None
        assert known.record.endpoint_id == alice.endpoint.endpoint_id


async def test_a_guest_cannot_bring_another_nodes_record(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice, bob = await nodes.start("alice"), await nodes.start("bob")
        ticket = Ticket.parse(await hub.node.directory.ticket())
        await alice.node.control.introduce(hub.endpoint.endpoint_id, hub.endpoint.addresses, hub.id, timeout=5)
        join = Join(ticket.token, bob.node.control.own_record.current().signed)
        with pytest.raises(InvalidInput, match="own node"):
            await alice.node.control.request(hub.id, join, type(None))
        assert set(hub.node.directory.own_hub().members) == set()


async def test_a_node_without_a_second_endpoint_says_so() -> None:
    with pytest.raises(PeerUnreachable, match="directly"):
        await bind_no_guest(b"")
