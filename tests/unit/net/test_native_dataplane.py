"""Two nodes with their real data planes: membership alone decides who gets packets."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from golem_vpn.config import PacketOptions
from golem_vpn.net.identity import Identities
from golem_vpn.net.native_dataplane import NativeDataPlane, NativeStack, StreamFailed
from golem_vpn.net.native_endpoint import NativeEndpoint
from golem_vpn.net.node import Node, Profile
from golem_vpn.store.database import Database
from tests.unit.net.kit import eventually
from tests.unit.net.test_membership import NETWORK, Draft

pytestmark = pytest.mark.anyio

OWNER_ADDRESS = "10.0.0.1"
MEMBER_ADDRESS = "10.0.0.2"


@dataclass
class Daemon:
    node: Node
    data_plane: NativeDataPlane

    @property
    def id(self) -> str:
        return self.node.control.node_id


@asynccontextmanager
async def daemon(
    directory: Path, secret: bytes, *, hub: bool = False, cipher: str | None = None
) -> AsyncIterator[Daemon]:
    database = Database(directory / "golem-vpn.db")
    await database.open()
    identities = Identities(directory / "identities")
    endpoint = await NativeEndpoint.bind(secret, "127.0.0.1:0")
    data_plane = NativeDataPlane.start(
        identities.default.node_id, "127.0.0.1:0", endpoint, options=PacketOptions(cipher)
    )
    node = await Node.open(Profile(directory.name, (), hub), identities, endpoint, data_plane, database)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(node.run)
            yield Daemon(node, data_plane)
            tasks.cancel_scope.cancel()
    finally:
        data_plane.close()
        await endpoint.close()
        await database.close()


def draft(owner: Daemon, *members: Daemon) -> Draft:
    others = {member.id: (MEMBER_ADDRESS,) for member in members}
    return Draft(NETWORK, owner.id, ("10.0.0.0/24",), {owner.id: (OWNER_ADDRESS,)} | others)


def stack_of(daemon: Daemon, address: str) -> NativeStack:
    return daemon.data_plane.add_stack([(NETWORK, [address])], [f"{address}/24"])


async def reach(owner: Daemon, timeout: float) -> str:
    """Calls a port that nobody listens at: being refused proves that packets went there and back."""
    stack = stack_of(owner, OWNER_ADDRESS)
    try:
        await stack.connect(MEMBER_ADDRESS, 80, timeout)
    except StreamFailed as error:
        return error.reason
    finally:
        stack.close()
    return "connected"


async def meet(owner: Daemon, member: Daemon) -> NativeStack:
    """Has both share a network, and gives the member's stack there once packets reach it."""
    await member.node.directory.join(await owner.node.directory.ticket())
    await owner.node.membership.publish(draft(owner, member))
    await eventually(lambda: member.node.membership.document(NETWORK) is not None)
    stack = stack_of(member, MEMBER_ADDRESS)
    assert await reach(owner, timeout=10) == "refused"
    return stack


async def test_members_exchange_packets_until_one_is_removed(tmp_path: Path) -> None:
    keys = secrets.token_bytes(32), secrets.token_bytes(32)
    async with daemon(tmp_path / "owner", keys[0], hub=True) as owner, daemon(tmp_path / "member", keys[1]) as member:
        stack = await meet(owner, member)
        (peer,) = (await owner.data_plane.snapshot())["peers"]
        assert peer["nodeId"] == member.id
        assert peer["bytesIn"] > 0
        await owner.node.membership.publish(draft(owner))
        assert await reach(owner, timeout=0.5) in {"timed-out", "no-route"}
        stack.close()


@pytest.mark.parametrize("cipher", ["aes-256-gcm", "chacha20-poly1305"])
async def test_the_cipher_that_one_end_insists_on_is_used(tmp_path: Path, cipher: str) -> None:
    keys = secrets.token_bytes(32), secrets.token_bytes(32)
    async with (
        daemon(tmp_path / "owner", keys[0], hub=True) as owner,
        daemon(tmp_path / "member", keys[1], cipher=cipher) as member,
    ):
        stack = await meet(owner, member)
        (peer,) = (await owner.data_plane.snapshot())["peers"]
        assert [network["cipher"] for network in peer["networks"]] == [cipher]
        stack.close()


async def test_a_restarted_member_gets_packets_again(tmp_path: Path) -> None:
    keys = secrets.token_bytes(32), secrets.token_bytes(32)
    async with daemon(tmp_path / "owner", keys[0], hub=True) as owner:
        async with daemon(tmp_path / "member", keys[1]) as member:
            await member.node.directory.join(await owner.node.directory.ticket())
            await owner.node.membership.publish(draft(owner, member))
            await eventually(lambda: member.node.membership.document(NETWORK) is not None)
            stack = stack_of(member, MEMBER_ADDRESS)
            assert await reach(owner, timeout=10) == "refused"
            stack.close()
        async with daemon(tmp_path / "member", keys[1]) as member:
            stack = stack_of(member, MEMBER_ADDRESS)
            assert await reach(owner, timeout=20) == "refused"
            stack.close()


async def test_members_of_a_large_network_find_each_other_when_packets_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golem_vpn.net.peers.FEW", 0)
    async with (
        daemon(tmp_path / "owner", secrets.token_bytes(32), hub=True) as owner,
        daemon(tmp_path / "caller", secrets.token_bytes(32)) as caller,
        daemon(tmp_path / "member", secrets.token_bytes(32)) as member,
    ):
        for node in (caller, member):
            await node.node.directory.join(await owner.node.directory.ticket())
        members = {owner.id: ("10.0.0.9",), caller.id: (OWNER_ADDRESS,), member.id: (MEMBER_ADDRESS,)}
        await owner.node.membership.publish(Draft(NETWORK, owner.id, ("10.0.0.0/24",), members))
        for node in (caller, member):
            await eventually(lambda node=node: node.node.membership.document(NETWORK) is not None)  # type: ignore[misc]
        stack = stack_of(member, MEMBER_ADDRESS)
        assert set(caller.node.peers.followed) == {owner.id}
        assert await reach(caller, timeout=10) == "refused"
        assert set(caller.node.peers.followed) == {owner.id, member.id}
        stack.close()
