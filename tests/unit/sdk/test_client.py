"""The client against the real application, over memory."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from litestar.types import ASGIApp

from golem_vpn.errors import Conflict, Gone, InvalidInput, NotFound, Unauthorized
from golem_vpn.net.identity import Identities
from golem_vpn.sdk.client import Client
from golem_vpn.sdk.models import Address, NetworkNode
from tests.unit.provider.kit import Provider

pytestmark = pytest.mark.anyio

A = "0x" + "a" * 40
B = "0x" + "b" * 40


@pytest.fixture
async def daemon(app: ASGIApp, key_file: Path) -> AsyncIterator[Client]:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with Client("http://daemon", key_file.read_text().strip(), transport=transport) as client:
        yield client


async def test_networks(daemon: Client) -> None:
    made = await daemon.create_network("10.0.0.0", mask="255.255.0.0")
    assert (made.ip, made.gateway) == ("10.0.0.0/16", "10.0.0.1")
    assert await daemon.networks() == [made]
    assert await daemon.network(made.id) == made
    assert await daemon.addresses(made.id) == [Address("10.0.0.1/16")]
    await daemon.add_address(made.id, "10.0.0.9")
    assert await daemon.addresses(made.id) == [Address("10.0.0.1/16"), Address("10.0.0.9/16")]
    assert await daemon.connections(made.id) == []
    await daemon.remove_network(made.id)
    with pytest.raises(NotFound, match="Network not found"):
        await daemon.network(made.id)


async def test_nodes(daemon: Client) -> None:
    made = await daemon.create_network("10.0.0.0/29")
    await daemon.add_address(made.id, "10.0.0.3")
    assert await daemon.add_node(made.id, A, "10.0.0.2") == NetworkNode(A, "10.0.0.2")
    assert await daemon.add_node(made.id, B) == NetworkNode(B, "10.0.0.4")
    with pytest.raises(Conflict):
        await daemon.add_node(made.id, B, "10.0.0.2")
    await daemon.remove_node(made.id, A)
    assert await daemon.network_nodes(made.id) == [NetworkNode(B, "10.0.0.4")]


async def test_a_full_network_has_no_free_address(daemon: Client) -> None:
    made = await daemon.create_network("10.0.0.0/30")
    await daemon.add_node(made.id, A)
    with pytest.raises(Conflict, match="no free address"):
        await daemon.add_node(made.id, B)


async def test_keys_and_identities(daemon: Client, app: ASGIApp, identities: Identities) -> None:
    second = await daemon.create_identity("second")
    assert [identity.name for identity in await daemon.identities()] == ["default", "second"]
    made = await daemon.create_app_key("a b?c", identity=second.node_id, allow_origins=["https://a.example"])
    assert made.key is not None
    async with Client("http://daemon", made.key, transport=httpx.ASGITransport(app)) as other:  # type: ignore[arg-type]
        assert (await other.me()).identity == second.node_id
        assert [key.name for key in await other.app_keys()] == ["default", "a b?c"]
        await daemon.remove_app_key("a b?c")
        with pytest.raises(Unauthorized):
            await other.me()
    assert (await daemon.me()).identity == identities.default.node_id


async def test_the_node_and_others(daemon: Client) -> None:
    [node] = await daemon.nodes()
    assert (node.node_id, node.roles, node.online) == (A, ("provider",), True)
    peer, silent = await daemon.peers()
    assert (peer.name, peer.online, peer.bytes_in) == ("provider-1", True, 10)
    assert (peer.path.kind, peer.path.rtt_ms, peer.candidates[0].source) == ("relayed", 41.5, "reflected")
    assert (silent.online, silent.path.kind, silent.path.since) == (False, "none", None)
    assert [relay.state for relay in await daemon.relays()] == ["connected", "failed"]
    await daemon.join(await daemon.create_ticket())
    assert (await daemon.net_status()).sessions == 1
    assert (await daemon.status())["cipher"] == "aes-256-gcm"


async def test_a_payload(daemon: Client, provider: Provider) -> None:
    agreement = await daemon.hire(provider.id)
    assert agreement.provider_id == provider.id
    assert await daemon.agreements() == [agreement]
    assert await daemon.agreement(agreement.agreement_id) == agreement
    activity = await daemon.create_activity(agreement.agreement_id)
    assert await daemon.activity_agreement(activity) == agreement.agreement_id
    batch = await daemon.execute(activity, [{"deploy": {}}, {"start": {}}])
    results = await daemon.results(activity, batch, timeout=30)
    while not (results and results[-1].is_batch_finished):
        results = await daemon.results(activity, batch, timeout=30)
    assert [result.result for result in results] == ["Ok", "Ok"]
    assert (await daemon.activity_state(activity)).state == ("Ready", None)
    assert len((await daemon.activity_usage(activity)).current_usage) == 2
    with pytest.raises(InvalidInput, match="fly"):
        await daemon.execute(activity, [{"fly": {}}])
    await daemon.destroy_activity(activity)
    await daemon.terminate_agreement(agreement.agreement_id)
    with pytest.raises(Gone):
        await daemon.terminate_agreement(agreement.agreement_id)
