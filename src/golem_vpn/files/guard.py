"""Keeps what other nodes ask this one to fetch away from this machine and its local network.

A provider fetches what its requestors name. Without this they could read, through it, what only its neighbours may.
"""

import ssl
from ipaddress import ip_address

import anyio
import httpx

from golem_vpn.errors import Forbidden


class PublicTransport(httpx.AsyncBaseTransport):
    """Asks public addresses only, and the one that was checked: a name may have another one at the next look."""

    def __init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport(verify=ssl.create_default_context())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request.

        Raises:
            Forbidden: its address is none of the public internet.
        """
        address = await _public_address(request.url)
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.host},
        )
        return await self._inner.handle_async_request(pinned)

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._inner.aclose()


async def _public_address(url: httpx.URL) -> str:
    try:
        found = await anyio.getaddrinfo(url.host, url.port or {"http": 80, "https": 443}[url.scheme])
    except OSError as error:
        raise httpx.ConnectError(f"{url.host} is not known: {error.strerror}") from error
    addresses = [str(sockaddr[0]) for _, _, _, _, sockaddr in found]
    for address in addresses:
        if not ip_address(address.partition("%")[0]).is_global:
            raise Forbidden(
                f"{url.host} is {address}, an address of this provider's own network, which it does not fetch from for "
                "others; its option --allow-local-urls permits it"
            )
    return addresses[0]
