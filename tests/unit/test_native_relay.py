"""Relays and control connections through them, on loopback."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256

import pytest

from golem_vpn._native import ControlError, Endpoint, NativeError, Relay

pytestmark = pytest.mark.anyio
PATIENCE = 20.0


@asynccontextmanager
async def endpoints() -> AsyncIterator[tuple[Endpoint, Endpoint]]:
    """Two that can't reach each other directly: one speaks IPv4 only, the other IPv6 only."""
    alice = await Endpoint.bind(b"a" * 32, "127.0.0.1:0")
    bob = await Endpoint.bind(b"b" * 32, "[::1]:0")
    try:
        yield alice, bob
    finally:
        await alice.close()
        await bob.close()


@asynccontextmanager
async def running_relay(bytes_per_second: int | None = None) -> AsyncIterator[Relay]:
    relay = await Relay.start("127.0.0.1:0", bytes_per_second=bytes_per_second)
    try:
        yield relay
    finally:
        await relay.close()


def url(relay: Relay) -> str:
    return f"https://{relay.address}#sha256={relay.pin}"


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


async def answer_one(endpoint: Endpoint, reply: bytes) -> tuple[bytes, str]:
    request = await endpoint.accept()
    request.respond(reply)
    return request.message, request.remote


async def test_messages_go_through_a_relay_alone() -> None:
    async with endpoints() as (alice, bob), running_relay() as relay:
        relay.set_admitted([alice.endpoint_id, bob.endpoint_id])
        bob.set_relays([url(relay)])
        await until(lambda: bob.home_relay == url(relay))
        reply, (message, remote) = await asyncio.gather(
            alice.request(bob.endpoint_id, [url(relay)], b"hello", PATIENCE), answer_one(bob, b"there")
        )
        assert (message, reply, remote) == (b"hello", b"there", "")
        assert await bob.next_event() == ("connected", alice.endpoint_id)
        counters = relay.counters()
        assert counters["clients"] == 2
        assert counters["clients_refused"] == 0
        assert 0 < counters["bytes_out"] <= counters["bytes_in"]
        assert 0 < counters["trains_out"] <= counters["trains_in"]


async def test_who_is_not_admitted_is_refused_and_who_is_no_longer_is_cut() -> None:
    async with endpoints() as (alice, bob), running_relay() as relay:
        relay.set_admitted([bob.endpoint_id])
        bob.set_relays([url(relay)])
        await until(lambda: bob.home_relay)
        with pytest.raises(ControlError):
            await alice.request(bob.endpoint_id, [url(relay)], b"hello", 1.0)
        assert relay.counters()["clients_refused"] > 0
        relay.set_admitted([])
        await until(lambda: relay.counters()["clients"] == 0)


async def test_a_guest_comes_in_by_a_pass() -> None:
    async with endpoints() as (alice, bob), running_relay() as relay:
        relay.set_admitted([bob.endpoint_id], ["Ticket-1"])
        bob.set_relays([url(relay)])
        await until(lambda: bob.home_relay)
        alice.set_relays([url(relay) + "&pass=Ticket-1"])
        await until(lambda: alice.home_relay)
        assert alice.home_relay == url(relay) + "&pass=Ticket-1"
        reply, _ = await asyncio.gather(
            alice.request(bob.endpoint_id, [url(relay)], b"hello", PATIENCE), answer_one(bob, b"there")
        )
        assert reply == b"there"


async def test_a_relay_with_another_certificate_is_not_used() -> None:
    async with endpoints() as (alice, bob), running_relay() as relay:
        relay.set_admitted([alice.endpoint_id, bob.endpoint_id])
        alice.set_relays([f"https://{relay.address}#sha256={'00' * 32}"])
        bob.set_relays([url(relay)])
        await until(lambda: bob.home_relay)
        assert alice.home_relay is None
        with pytest.raises(ControlError):
            await alice.request(bob.endpoint_id, [f"https://{relay.address}#sha256={'00' * 32}"], b"hello", 1.0)
        assert relay.counters()["clients"] == 1


async def test_the_rate_limit_works() -> None:
    size, limit = 1 << 20, 2_000_000
    async with endpoints() as (alice, bob), running_relay(limit) as relay:
        relay.set_admitted([alice.endpoint_id, bob.endpoint_id])
        bob.set_relays([url(relay)])
        await until(lambda: bob.home_relay)
        begin = asyncio.get_running_loop().time()
        await asyncio.gather(
            alice.request(bob.endpoint_id, [url(relay)], b"m" * size, 2 * PATIENCE), answer_one(bob, b"")
        )
        assert asyncio.get_running_loop().time() - begin > 0.8 * size / limit
        assert relay.counters()["clients_rate_limited"] == 1
        assert relay.counters()["bytes_rate_limited"] > 0


async def test_the_pin_is_that_of_the_certificate_shown() -> None:
    certificate, key = Relay.make_certificate(["127.0.0.1", "relay.example.org"])
    expected = sha256(ssl.PEM_cert_to_DER_cert(certificate.decode())).hexdigest()
    relay = await Relay.start("127.0.0.1:0", certificate, key)
    try:
        host, _, port = relay.address.rpartition(":")
        shown = await asyncio.to_thread(ssl.get_server_certificate, (host, int(port)))
        assert relay.pin == expected == sha256(ssl.PEM_cert_to_DER_cert(shown)).hexdigest()
    finally:
        await relay.close()


async def test_the_carrier_id_is_another_key_than_the_endpoints() -> None:
    async with endpoints() as (alice, bob):
        assert len({alice.carrier_id, bob.carrier_id, alice.endpoint_id, bob.endpoint_id}) == 4


async def test_malformed_values_are_named() -> None:
    certificate, key = Relay.make_certificate(["127.0.0.1"])
    with pytest.raises(ValueError, match="come together"):
        await Relay.start("127.0.0.1:0", certificate)
    with pytest.raises(NativeError, match="no PEM file"):
        await Relay.start("127.0.0.1:0", b"nothing", key)
    with pytest.raises(NativeError, match="no certificate can be made"):
        Relay.make_certificate(["ümläut"])
    with pytest.raises(ValueError, match="0 bytes per second"):
        await Relay.start("127.0.0.1:0", bytes_per_second=0)
    async with endpoints() as (alice, _), running_relay() as relay:
        with pytest.raises(ValueError, match="expected https://HOST:PORT#sha256=HEX"):
            alice.set_relays([f"http://{relay.address}"])
        with pytest.raises(ValueError, match="an endpoint id has 32 bytes"):
            relay.set_admitted([b"abc"])
        with pytest.raises(NativeError, match=f"cannot listen at {relay.address}"):
            await Relay.start(relay.address, certificate, key)
