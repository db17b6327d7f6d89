"""The same over real connections: what the twin in memory is a twin of."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import msgspec
import pytest

from golem_vpn.errors import InvalidInput, PeerRefused, PeerUnreachable
from golem_vpn.net.endpoint import MAX_MESSAGE, EndpointClosed, EndpointError
from golem_vpn.net.identity import Identities
from golem_vpn.net.memory_topology import MemoryTopology
from golem_vpn.net.native_endpoint import NativeEndpoint
from golem_vpn.net.node import Node, Profile
from golem_vpn.net.wire import HELLO_FIRST, Hello, Message, Refusal, decode_reply, encode
from golem_vpn.store.database import Database
from tests.unit.net.kit import eventually

pytestmark = pytest.mark.anyio


class Shout(Message, frozen=True):
    text: str


@dataclass
class Daemon:
    node: Node
    endpoint: NativeEndpoint
    topology: MemoryTopology

    @property
    def id(self) -> str:
        return self.node.control.node_id


@asynccontextmanager
async def daemon(
    directory: Path, secret: bytes, listen: str = "127.0.0.1:0", *, hub: bool = False
) -> AsyncIterator[Daemon]:
    database = Database(directory / "golem-vpn.db")
    await database.open()
    endpoint = await NativeEndpoint.bind(secret, listen)
    topology = MemoryTopology()
    node = await Node.open(
        Profile(directory.name, (), hub), Identities(directory / "identities"), endpoint, topology, database
    )

    @node.control.on(Shout)
    async def answer(_sender: str, message: Shout) -> str:
        return message.text * 2

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(node.run)
            yield Daemon(node, endpoint, topology)
            tasks.cancel_scope.cancel()
    finally:
        await endpoint.close()
        await database.close()


async def test_nodes_talk_over_real_connections(tmp_path: Path) -> None:
    first, second = secrets.token_bytes(32), secrets.token_bytes(32)
    async with daemon(tmp_path / "hub", first, hub=True) as hub, daemon(tmp_path / "alice", second) as alice:
        await alice.node.directory.join(await hub.node.directory.ticket())
        assert await alice.node.control.request(hub.id, Shout("hey"), str) == "heyhey"
        assert await hub.node.control.request(alice.id, Shout("you" * 100_000), str) == "you" * 200_000
        await eventually(lambda: alice.id in hub.node.control.connected and hub.id in alice.node.control.connected)


async def test_a_message_or_an_answer_that_is_too_long_harms_nobody(tmp_path: Path) -> None:
    first, second = secrets.token_bytes(32), secrets.token_bytes(32)
    async with daemon(tmp_path / "hub", first, hub=True) as hub, daemon(tmp_path / "alice", second) as alice:
        await alice.node.directory.join(await hub.node.directory.ticket())
        with pytest.raises(InvalidInput, match="at most"):
            await alice.node.control.request(hub.id, Shout("a" * MAX_MESSAGE), str)
        with pytest.raises(PeerRefused, match="more than"):
            await alice.node.control.request(hub.id, Shout("a" * (MAX_MESSAGE - 1000)), str)
        assert await alice.node.control.request(hub.id, Shout("hey"), str) == "heyhey"


async def test_strangers_get_nothing_but_a_refusal(tmp_path: Path) -> None:
    async with daemon(tmp_path / "hub", secrets.token_bytes(32), hub=True) as hub:
        stranger = await NativeEndpoint.bind(secrets.token_bytes(32), "127.0.0.1:0")
        own = hub.node.control.own_record.current().signed
        broken = msgspec.structs.replace(own, signatures=(b"\0" * 65,))
        for message, reason in (
            (b"", HELLO_FIRST),
            (b"\xff" * 1000, HELLO_FIRST),
            (encode(Shout("hey")), HELLO_FIRST),
            (encode(Hello(own)), "invalid"),
            (encode(Hello(broken)), "invalid"),
        ):
            reply = decode_reply(
                await stranger.request(hub.endpoint.endpoint_id, hub.endpoint.addresses, message, timeout=10)
            )
            assert isinstance(reply, Refusal)
            assert reply.reason == reason
        await stranger.close()


async def test_a_killed_node_is_missed_and_its_successor_is_found(tmp_path: Path) -> None:
    keys = secrets.token_bytes(32), secrets.token_bytes(32)
    async with daemon(tmp_path / "hub", keys[0], hub=True) as hub:
        async with daemon(tmp_path / "alice", keys[1]) as alice:
            await alice.node.directory.join(await hub.node.directory.ticket())
            await eventually(lambda: alice.id in hub.node.control.connected)
        await eventually(lambda: alice.id not in hub.node.control.connected)
        with pytest.raises(PeerUnreachable):
            await hub.node.control.request(alice.id, Shout("hey"), str, timeout=1)
        async with daemon(tmp_path / "alice", keys[1]) as alice:
            await eventually(lambda: alice.id in hub.node.control.connected)
            assert await hub.node.control.request(alice.id, Shout("hey"), str) == "heyhey"


async def test_a_closed_endpoint_says_so() -> None:
    endpoint = await NativeEndpoint.bind(secrets.token_bytes(32), "127.0.0.1:0")
    await endpoint.close()
    await endpoint.close()
    with pytest.raises(EndpointClosed):
        await endpoint.accept()
    with pytest.raises(EndpointClosed):
        await endpoint.next_event()


async def test_an_endpoint_id_that_is_no_key_is_nobody() -> None:
    endpoint = await NativeEndpoint.bind(secrets.token_bytes(32), "127.0.0.1:0")
    no_key = b"e" * 32
    endpoint.authorize(no_key, "0x" + "1" * 40, [])
    endpoint.revoke(no_key)
    with pytest.raises(EndpointError) as caught:
        await endpoint.request(no_key, [], b"", timeout=1)
    assert not caught.value.sent
    await endpoint.close()
