"""Two data planes in one process: packets of user-space stacks go through sessions over loopback."""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from golem_vpn._native import ConnectError, DataPlane, Endpoint, NativeError, Stack, probe

pytestmark = pytest.mark.anyio

LOOPBACK = "127.0.0.1:0"
NETWORK = b"n" * 16
PREFIXES = ["10.1.0.0/24", "fd01::/64"]
PATIENCE = 20.0
MTU = 1420


@dataclass
class Daemon:
    number: int
    endpoint: Endpoint
    data_plane: DataPlane

    @property
    def node_id(self) -> bytes:
        return bytes([self.number]) * 20

    @property
    def addresses(self) -> list[str]:
        return [f"10.1.0.{self.number}", f"fd01::{self.number}"]

    def meet(self, other: "Daemon") -> None:
        self.endpoint.authorize(other.endpoint.endpoint_id, other.node_id, other.endpoint.addresses)
        candidates = [(address, "interface") for address in other.data_plane.addresses]
        self.data_plane.set_peer(other.node_id, candidates, [], None)

    def stack(self) -> Stack:
        four, six = self.addresses
        return self.data_plane.add_stack([(NETWORK, self.addresses)], [f"{four}/24", f"{six}/64"], MTU)


async def start(
    number: int, ciphers: list[str] | None = None, without: list[str] | None = None, workers: int | None = None
) -> Daemon:
    endpoint = await Endpoint.bind(bytes([number]) * 32, LOOPBACK)
    node_id = bytes([number]) * 20
    data_plane = DataPlane.start(node_id, LOOPBACK, endpoint, ciphers, without=without, workers=workers)
    return Daemon(number, endpoint, data_plane)


@asynccontextmanager
async def daemons(
    ciphers: list[str] | None = None, *, without: list[str] | None = None, workers: int | None = None
) -> AsyncIterator[tuple[Daemon, Daemon]]:
    pair = await start(1, ciphers, without, workers), await start(2)
    alice, bob = pair
    members = [(daemon.node_id, daemon.addresses) for daemon in pair]
    for daemon in pair:
        daemon.data_plane.set_network(NETWORK, PREFIXES, members)
    alice.meet(bob)
    bob.meet(alice)
    try:
        yield pair
    finally:
        for daemon in pair:
            daemon.data_plane.close()
            await daemon.endpoint.close()


def threads_named(name: str) -> int:
    names = [file.read_text().strip() for file in Path("/proc/self/task").glob("*/comm")]
    return names.count(name)


async def reason_of_failure(stack: Stack, ip: str, timeout: float = PATIENCE) -> str:
    with pytest.raises(ConnectError) as failure:
        await stack.connect(ip, 80, timeout)
    return failure.value.reason


@pytest.mark.parametrize("ciphers", [None, ["aes-256-gcm"], ["chacha20-poly1305"]])
async def test_a_refusal_comes_back_through_a_session(ciphers: list[str] | None) -> None:
    async with daemons(ciphers) as (alice, bob):
        stack, _other = alice.stack(), bob.stack()
        for ip in bob.addresses:
            assert await reason_of_failure(stack, ip) == "refused"
        snapshot = await alice.data_plane.snapshot()
        assert json.loads(json.dumps(snapshot)) == snapshot
        [peer] = snapshot["peers"]
        assert peer["nodeId"] == "0x" + bob.node_id.hex()
        assert peer["address"] in bob.data_plane.addresses
        assert peer["path"]["kind"] == "direct"
        assert peer["path"]["address"] == peer["address"]
        assert peer["path"]["reason"] is None
        assert {"address": peer["address"], "source": "interface", "result": "proven"} in peer["candidates"]
        assert peer["packetsOut"] > 0
        assert peer["networks"][0]["cipher"] == (ciphers or [snapshot["cipher"]])[0]
        assert snapshot["counters"]["packets_in"] > 0
        assert snapshot["drops"]["spoofed_source"] == 0
        assert [device["kind"] for device in snapshot["devices"]] == ["stack"]


async def test_a_feature_that_is_left_out_is_off_and_packets_still_flow() -> None:
    shown = {"udp-gso": "udp_segmentation", "udp-gro": "udp_receive", "receive-batch": "udp_receive_batch"}
    async with daemons(without=list(shown)) as (alice, bob):
        stack, _other = alice.stack(), bob.stack()
        assert await reason_of_failure(stack, bob.addresses[0]) == "refused"
        offloads = (await alice.data_plane.snapshot())["offloads"]
        assert not any(offloads[name] for name in shown.values())
        assert (await bob.data_plane.snapshot())["offloads"]["udp_receive_batch"]


async def test_workers_are_as_many_as_were_asked_for() -> None:
    async with daemons(workers=3) as (alice, bob):
        stack, _other = alice.stack(), bob.stack()
        assert await reason_of_failure(stack, bob.addresses[0]) == "refused"
        counters = (await alice.data_plane.snapshot())["counters"]
        assert counters["trains_by_workers"] == 0, "short trains are not worth it"
        assert threads_named("golem-vpn-work") == 3


async def test_reflectors_tell_where_a_node_is_seen() -> None:
    async with daemons() as (alice, bob):
        bob.data_plane.admit_reflection(7, bytes(32))
        alice.data_plane.set_reflectors([(address, 7, bytes(32)) for address in bob.data_plane.addresses])
        with anyio.fail_after(PATIENCE):
            while not alice.data_plane.reflected:
                await anyio.sleep(0.01)
        assert alice.data_plane.reflected == alice.data_plane.addresses
        assert (await alice.data_plane.snapshot())["nat"] == {
            "reflected": alice.data_plane.addresses,
            "symmetric": None,
        }
        bob.data_plane.dismiss_reflection(7)


async def test_nonsense_about_a_peer_is_refused() -> None:
    async with daemons() as (alice, bob):
        for candidates, carrier_id in ([("here", "interface")], None), ([], b"short"), ([(LOOPBACK, "peer")], None):
            with pytest.raises(ValueError, match=r"IP:PORT|32 bytes|source"):
                alice.data_plane.set_peer(bob.node_id, candidates, [], carrier_id)


async def test_a_stack_alone_gets_no_answer_and_no_route() -> None:
    async with daemons() as (alice, bob):
        stack = alice.stack()
        assert await reason_of_failure(stack, bob.addresses[0], timeout=0.5) == "timed-out"
        assert await reason_of_failure(stack, "192.0.2.1") == "no-route"


async def test_new_addresses_of_a_stack_are_used() -> None:
    async with daemons() as (alice, bob):
        stack, other = alice.stack(), bob.stack()
        address = "10.1.0.77"
        members = [(alice.node_id, alice.addresses), (bob.node_id, [address])]
        for daemon in (alice, bob):
            daemon.data_plane.set_network(NETWORK, PREFIXES, members)
        other.set_addresses([(NETWORK, [address])], [f"{address}/24"])
        assert await reason_of_failure(stack, address) == "refused"
        other.close()
        assert await reason_of_failure(stack, address, timeout=0.5) == "timed-out"
        with pytest.raises(NativeError, match="closed"):
            other.connections()


async def test_a_removed_network_carries_nothing() -> None:
    async with daemons() as (alice, bob):
        stack, _other = alice.stack(), bob.stack()
        assert await reason_of_failure(stack, bob.addresses[0]) == "refused"
        alice.data_plane.remove_network(NETWORK)
        assert await reason_of_failure(stack, bob.addresses[0], timeout=0.5) == "timed-out"


async def test_a_closed_data_plane_says_so() -> None:
    async with daemons() as (alice, _):
        alice.data_plane.close()
        alice.data_plane.close()
        with pytest.raises(NativeError, match="stopped"):
            alice.data_plane.forget_peer(b"p" * 20)
        with pytest.raises(NativeError, match="stopped"):
            await alice.data_plane.snapshot()


async def test_what_is_no_tun_is_refused_and_stays_open() -> None:
    async with daemons() as (alice, _):
        with socket.socket() as not_a_tun:
            with pytest.raises(OSError, match="ioctl"):
                alice.data_plane.add_tun(not_a_tun.fileno(), "vpn0", [], MTU)
            assert not_a_tun.getsockname()
        with pytest.raises(NativeError, match="no device 99"):
            alice.data_plane.set_attachments(99, [])


async def test_malformed_values_are_named() -> None:
    async with daemons() as (alice, _):
        data_plane = alice.data_plane
        with pytest.raises(ValueError, match=r'expected ADDRESS/PREFIX-LENGTH, got "10\.1\.0\.0/33"'):
            data_plane.set_network(NETWORK, ["10.1.0.0/33"], [])
        with pytest.raises(ValueError, match=r'expected an IP address, got "10\.1\.0"'):
            data_plane.set_network(NETWORK, PREFIXES, [(alice.node_id, ["10.1.0"])])
        with pytest.raises(ValueError, match="a network id has 16 bytes"):
            data_plane.add_stack([(b"", [])], [], MTU)
        with pytest.raises(ValueError, match='the name of a cipher, got "rot13"'):
            DataPlane.start(alice.node_id, LOOPBACK, alice.endpoint, ["rot13"])
        with pytest.raises(ValueError, match='no feature "magic" that could be left out, only tun-offload, '):
            DataPlane.start(alice.node_id, LOOPBACK, alice.endpoint, without=["magic"])
        with pytest.raises(ValueError, match="expected an age of a second or more, got 0"):
            DataPlane.start(alice.node_id, LOOPBACK, alice.endpoint, rekey_after=0)
        with pytest.raises(NativeError, match="cannot listen at"):
            DataPlane.start(alice.node_id, data_plane.addresses[0], alice.endpoint)


async def test_the_machine_is_probed() -> None:
    found = probe()
    assert isinstance(found["aes_instructions"], bool)
    assert found["receive_buffer"] > 0
