from datetime import timedelta
from pathlib import Path

import pytest

from golem_vpn.errors import Forbidden, InvalidInput
from golem_vpn.net.hub import MAX_LOOKUP
from golem_vpn.net.memory import MemoryWire
from golem_vpn.net.messages import LookUp
from golem_vpn.net.record import SignedRecord
from golem_vpn.net.ticket import token_hash
from golem_vpn.store.hubs import HubRepository
from tests.unit.net.kit import cluster

pytestmark = pytest.mark.anyio


async def test_an_expired_ticket_is_refused_by_the_hub_too(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice")
        assert hub.node.hub is not None
        ticket = await hub.node.hub.issue_ticket(timedelta(seconds=-1))
        with pytest.raises(InvalidInput, match="expired"):
            await alice.node.directory.join(str(ticket))
        forged = type(ticket)(ticket.hub, ticket.endpoint_id, ticket.addresses, ticket.token, ticket.expires_at + 3600)
        with pytest.raises(Forbidden, match="expired"):
            await alice.node.directory.join(str(forged))


async def test_a_token_is_stored_as_its_hash_only(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        assert hub.node.hub is not None
        ticket = await hub.node.hub.issue_ticket()
        assert await HubRepository(hub.database).ticket_expiry(token_hash(ticket.token)) is not None
        stored = b"".join(path.read_bytes() for path in (tmp_path / "hub").glob("golem-vpn.db*"))
        assert token_hash(ticket.token) in stored
        assert ticket.token not in stored


async def test_a_lookup_has_a_limit(wire: MemoryWire, tmp_path: Path) -> None:
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        alice = await nodes.start("alice", join=hub)
        many = tuple(f"0x{number:040x}" for number in range(MAX_LOOKUP + 1))
        with pytest.raises(InvalidInput, match="at most"):
            await alice.node.control.request(hub.id, LookUp(many), list[SignedRecord])
        await alice.node.directory.look_up_all(list(many))


async def test_a_long_list_comes_in_pages(wire: MemoryWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("golem_vpn.net.hub.PAGE", 2)
    async with cluster(wire, tmp_path) as nodes:
        hub = await nodes.start("hub", hub=True)
        others = [await nodes.start(name, join=hub) for name in ("alice", "bob", "carol", "dave")]
        listed = await others[0].node.directory.nodes()
        assert [entry.node_id for entry in listed] == sorted(station.id for station in (hub, *others))
