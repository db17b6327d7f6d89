"""How far away a relay is, and whether the one that it says it is answers there."""

import hashlib
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable

import anyio
from anyio.streams.tls import TLSAttribute

from golem_vpn.config import Address
from golem_vpn.net.relay_address import parse_relay

SOUND_TIMEOUT = 3.0
MAX_SOUNDING_AT_ONCE = 16

Sound = Callable[[str], Awaitable[float | None]]
"""Gives how many seconds a relay takes to prove itself, or nothing where it does not."""


async def sound(relay: str) -> float | None:
    """Opens a TLS connection to a relay and compares its certificate with the pin."""
    offer = parse_relay(relay)
    address = Address.parse(offer.addresses[0])
    begun = time.monotonic()
    try:
        with anyio.fail_after(SOUND_TIMEOUT):
            # The pin proves more than any authority: whoever shows the certificate has its key.
            async with await anyio.connect_tcp(
                address.host, address.port, tls=True, ssl_context=_trusting(), tls_standard_compatible=False
            ) as stream:
                certificate = stream.extra(TLSAttribute.peer_certificate_binary) or b""  # noqa: S610
    except (OSError, ssl.SSLError, TimeoutError, anyio.BrokenResourceError, anyio.EndOfStream):
        return None
    return time.monotonic() - begun if hashlib.sha256(certificate).digest() == offer.pin else None


async def sound_all(relays: Iterable[str], sound: Sound) -> dict[str, float]:
    """Asks many relays at once, and gives the seconds of those that answered rightly."""
    limiter = anyio.CapacityLimiter(MAX_SOUNDING_AT_ONCE)
    answered: dict[str, float] = {}

    async def ask(relay: str) -> None:
        async with limiter:
            seconds = await sound(relay)
        if seconds is not None:
            answered[relay] = seconds

    async with anyio.create_task_group() as tasks:
        for relay in relays:
            tasks.start_soon(ask, relay)
    return answered


def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
