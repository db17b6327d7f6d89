"""The gate: a websocket to the TCP port of a payload."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Response

from golem_vpn.errors import ConnectionRefused, ConnectionTimeout, Forbidden, GolemVpnError, NotFound
from golem_vpn.sdk.client import Client

_BY_STATUS: dict[int, type[GolemVpnError]] = {
    400: ConnectionRefused,
    403: Forbidden,
    404: NotFound,
    504: ConnectionTimeout,
}


@asynccontextmanager
async def open_gate(client: Client, network: str, ip: str, port: int) -> AsyncIterator[ClientConnection]:
    """Connects to a port of a member.

    Message borders have no meaning: bytes sent go into the TCP stream, bytes received come as they arrive. The end of
    the stream ends the iteration over the connection, or raises `ConnectionClosed` from `recv`.

    Raises:
        ConnectionRefused: nothing listens on the port.
        ConnectionTimeout: nothing answered.
        NotFound, Forbidden: there is no such network of this caller.
    """
    headers = {"Authorization": f"Bearer {client.app_key}"}
    url = f"{client.url.replace('http', 'ws', 1)}/net-api/v1/net/{network}/tcp/{ip}/{port}"
    try:
        async with connect(url, additional_headers=headers, compression=None, max_size=None, proxy=None) as gate:
            yield gate
    except InvalidStatus as refused:
        kind = _BY_STATUS.get(refused.response.status_code, GolemVpnError)
        raise kind(f"no connection to {ip} port {port}: {_reason(refused.response)}") from refused


def _reason(response: Response) -> str:
    try:
        return msgspec.json.decode(response.body or b"", type=dict[str, str])["message"]
    except (msgspec.DecodeError, KeyError):
        return f"HTTP {response.status_code}"


async def receive_all(gate: ClientConnection) -> bytes:
    """Reads the stream to its end."""
    received = bytearray()
    try:
        while True:
            message = await gate.recv()
            received += message.encode() if isinstance(message, str) else message
    except ConnectionClosed:
        return bytes(received)
