"""Against a real TLS server on loopback."""

import hashlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
import pytest
from anyio.abc import AnyByteStream, SocketAttribute
from anyio.streams.tls import TLSListener

from golem_vpn.net.relay_address import relay_text
from golem_vpn.net.soundings import sound, sound_all
from tests.unit.net.relay_certificate import CHAIN, KEY

pytestmark = pytest.mark.anyio

PIN = hashlib.sha256(ssl.PEM_cert_to_DER_cert(CHAIN)).digest()


@asynccontextmanager
async def tls_server(folder: Path) -> AsyncIterator[str]:
    """Runs a server that only shows its certificate, and gives its address."""
    (folder / "relay.pem").write_text(CHAIN + KEY)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "relay.pem")
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(TLSListener(listener, context, standard_compatible=False).serve, _wait_for_end)
        yield f"127.0.0.1:{port}"
        tasks.cancel_scope.cancel()


async def _wait_for_end(stream: AnyByteStream) -> None:
    async with stream:
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            await stream.receive()


async def test_only_the_relay_that_is_meant_answers(tmp_path: Path) -> None:
    async with tls_server(tmp_path) as address:
        seconds = await sound(relay_text(address, PIN))
        assert seconds is not None
        assert 0 < seconds < 3
        assert await sound(relay_text(address, b"x" * 32)) is None
        good, bad = relay_text(address, PIN), relay_text(address, b"x" * 32)
        assert (await sound_all([good, bad], sound)).keys() == {good}
    assert await sound(relay_text(address, PIN)) is None


async def test_what_speaks_no_tls_is_no_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("golem_vpn.net.soundings.SOUND_TIMEOUT", 0.2)

    async def answer(stream: AnyByteStream) -> None:
        async with stream:
            await stream.send(b"SSH-2.0-other\r\n")

    async def stay_silent(stream: AnyByteStream) -> None:
        async with stream:
            await anyio.sleep_forever()

    for handler in (answer, stay_silent):
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, handler)
            port = listener.extra(SocketAttribute.local_port)
            assert await sound(relay_text(f"127.0.0.1:{port}", PIN)) is None
            tasks.cancel_scope.cancel()
