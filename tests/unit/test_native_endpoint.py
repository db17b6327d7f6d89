"""Control connections between two endpoints on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

import pytest

from golem_vpn._native import ControlError, Endpoint, NativeError

pytestmark = pytest.mark.anyio
LIMIT = 1 << 20
PATIENCE = 20.0


@asynccontextmanager
async def endpoints() -> AsyncIterator[tuple[Endpoint, Endpoint]]:
    alice = await Endpoint.bind(b"a" * 32, "127.0.0.1:0")
    bob = await Endpoint.bind(b"b" * 32, "127.0.0.1:0")
    try:
        yield alice, bob
    finally:
        await alice.close()
        await bob.close()


async def answer_one(endpoint: Endpoint, reply: bytes) -> tuple[bytes, bytes, str]:
    request = await endpoint.accept()
    request.respond(reply)
    return request.endpoint_id, request.message, request.remote


@pytest.mark.parametrize("size", [0, 5, LIMIT])
async def test_a_request_is_answered(size: int) -> None:
    async with endpoints() as (alice, bob):
        message, reply = b"m" * size, b"r" * size
        replied, (asker, asked, remote) = await asyncio.gather(
            alice.request(bob.endpoint_id, bob.addresses, message, PATIENCE), answer_one(bob, reply)
        )
        assert (replied, asker, asked) == (reply, alice.endpoint_id, message)
        assert remote in alice.addresses


async def test_coming_and_going_is_told() -> None:
    async with endpoints() as (alice, bob):
        await asyncio.gather(alice.request(bob.endpoint_id, bob.addresses, b"", PATIENCE), answer_one(bob, b""))
        assert await bob.next_event() == ("connected", alice.endpoint_id)
        await alice.close()
        assert await bob.next_event() == ("disconnected", alice.endpoint_id)


async def test_a_late_answer_is_a_timeout_and_a_dropped_request_a_refusal() -> None:
    async with endpoints() as (alice, bob):
        with pytest.raises(ControlError) as late:
            await alice.request(bob.endpoint_id, bob.addresses, b"hello", 0.2)
        assert late.value.reason == "timed-out"
        request = await bob.accept()
        del request
        waiting = alice.request(bob.endpoint_id, bob.addresses, b"hello", PATIENCE)
        request = await bob.accept()
        del request
        while not waiting.done():  # the last reference goes with the next native call
            assert bob.addresses
            await asyncio.sleep(0.02)
        with pytest.raises(ControlError) as dropped:
            await waiting
        assert dropped.value.reason == "refused"


async def test_a_request_is_answered_once() -> None:
    async with endpoints() as (alice, bob):
        waiting = alice.request(bob.endpoint_id, bob.addresses, b"hello", PATIENCE)
        request = await bob.accept()
        with pytest.raises(ControlError, match="at most 1048576 bytes"):
            request.respond(b"m" * (LIMIT + 1))
        request.respond(b"once")
        with pytest.raises(NativeError, match="answered already"):
            request.respond(b"twice")
        assert await waiting == b"once"


async def test_nobody_there_is_unreachable() -> None:
    async with endpoints() as (alice, bob):
        await bob.close()
        with pytest.raises(ControlError) as unreachable:
            await alice.request(bob.endpoint_id, ["127.0.0.1:9"], b"hello", PATIENCE)
        assert unreachable.value.reason == "unreachable"


async def test_a_message_too_long_is_the_callers_fault() -> None:
    async with endpoints() as (alice, bob):
        with pytest.raises(ControlError) as too_long:
            await alice.request(bob.endpoint_id, bob.addresses, b"m" * (LIMIT + 1), PATIENCE)
        assert too_long.value.reason == "too-long"


async def test_a_cancelled_accept_loses_nothing_that_comes_later() -> None:
    async with endpoints() as (alice, bob):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(bob.accept(), 0.1)
        replied, _ = await asyncio.gather(
            alice.request(bob.endpoint_id, bob.addresses, b"", PATIENCE), answer_one(bob, b"here")
        )
        assert replied == b"here"


async def test_a_closed_endpoint_raises() -> None:
    async with endpoints() as (alice, bob):
        accepting = bob.accept()
        await bob.close()
        with pytest.raises(ControlError) as closed:
            await accepting
        assert closed.value.reason == "closed"
        with pytest.raises(ControlError):
            await bob.request(alice.endpoint_id, alice.addresses, b"", PATIENCE)


async def test_a_port_in_use_is_named() -> None:
    async with endpoints() as (alice, _):
        with pytest.raises(NativeError, match=alice.addresses[0]):
            await Endpoint.bind(b"c" * 32, alice.addresses[0])


async def test_any_address_stands_for_the_interfaces() -> None:
    endpoint = await Endpoint.bind(b"a" * 32, "0.0.0.0:0")
    try:
        hosts = [ip_address(address.rpartition(":")[0].strip("[]")) for address in endpoint.addresses]
        assert hosts
        assert not any(host.is_unspecified for host in hosts)
        # Loopback is no way to this machine, unless it has nothing else.
        assert len({host.is_loopback for host in hosts}) == 1
    finally:
        await endpoint.close()


async def test_malformed_values_are_named() -> None:
    with pytest.raises(ValueError, match="a secret key has 32 bytes, got 3"):
        await Endpoint.bind(b"abc", "127.0.0.1:0")
    with pytest.raises(ValueError, match="expected IP:PORT"):
        await Endpoint.bind(b"a" * 32, "nowhere")
    async with endpoints() as (alice, bob):
        with pytest.raises(ValueError, match="an endpoint id has 32 bytes"):
            await alice.request(b"", [], b"", 1)
        with pytest.raises(ValueError, match="a timeout in seconds"):
            await alice.request(bob.endpoint_id, [], b"", -1)
        with pytest.raises(ValueError, match="a node id has 20 bytes"):
            alice.authorize(bob.endpoint_id, b"", [])
        alice.authorize(bob.endpoint_id, b"n" * 20, bob.addresses)
        alice.revoke(bob.endpoint_id)
