"""Files by HTTP: fetched with a range where a beginning is there already, and handed over with PUT."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import httpx

from golem_vpn.errors import InvalidInput, NotFound, TransferFailed
from golem_vpn.files.chunks import Progress, check_size
from golem_vpn.files.guard import PublicTransport
from golem_vpn.files.messages import CHUNK_BYTES
from golem_vpn.files.partial import Partial, partial_file

PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds to wait before each further attempt, where a connection broke."""
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
MAX_REDIRECTS = 10


async def download(url: str, target: Path, on_progress: Progress, limit: int | None, *, public_only: bool) -> None:
    """Fetches a file, going on where a connection broke as long as the server says that the file is the same.

    Raises:
        NotFound: the server has no such file.
        TransferFailed: the server is not there, or refuses.
        Forbidden: it is in the local network, and only public ones are allowed.
        InvalidInput: the file is too large, or the target cannot be written.
    """
    async with _client(url, public_only=public_only) as client:
        for pause in PAUSES:
            try:
                return await _download(client, url, target, on_progress, limit)
            except httpx.TransportError:
                await anyio.sleep(pause)
        try:
            await _download(client, url, target, on_progress, limit)
        except httpx.HTTPError as error:
            raise _failed(url, error) from error


async def upload(source: Path, url: str, on_progress: Progress, *, public_only: bool) -> None:
    """Hands a file over.

    Raises:
        NotFound: the server has no such place.
        TransferFailed: the server is not there, or refuses.
        Forbidden: it is in the local network, and only public ones are allowed.
    """
    async with _client(url, public_only=public_only) as client:
        size = (await anyio.Path(source).stat()).st_size
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        try:
            _check(url, await client.put(url, content=_content(source, size, on_progress), headers=headers))
        except httpx.HTTPError as error:
            raise _failed(url, error) from error


def _client(url: str, *, public_only: bool) -> httpx.AsyncClient:
    try:
        host = httpx.URL(url).host
    except httpx.InvalidURL as error:
        raise InvalidInput(f"{url[:200]!r} is not a URL: {error}") from None
    if not host:
        raise InvalidInput(f"{url[:200]!r} names no host")
    return httpx.AsyncClient(
        transport=PublicTransport() if public_only else None,
        headers={"Accept-Encoding": "identity"},
        timeout=TIMEOUT,
        follow_redirects=True,
        max_redirects=MAX_REDIRECTS,
        # Where this node goes is said by its configuration, not by variables of whoever started it.
        trust_env=False,
    )


async def _download(
    client: httpx.AsyncClient, url: str, target: Path, on_progress: Progress, limit: int | None
) -> None:
    async with client.stream("GET", url) as response:
        _check(url, response)
        length = response.headers.get("content-length", "")
        total = int(length) if length.isdigit() else None
        check_size(total or 0, limit)
        version = _version(response)
        async with partial_file(target, version and f"{url} {version}") as partial:
            if version is not None and 0 < partial.size < (total or 0):
                await response.aclose()
                ranged = {"Range": f"bytes={partial.size}-", "If-Range": version}
                async with client.stream("GET", url, headers=ranged) as rest:
                    _check(url, rest)
                    if rest.status_code != httpx.codes.PARTIAL_CONTENT:
                        await partial.restart()
                    await _receive(rest, partial, total, on_progress, limit)
            elif partial.size != total:
                await partial.restart()
                await _receive(response, partial, total, on_progress, limit)
            await partial.complete()


async def _receive(
    response: httpx.Response, partial: Partial, total: int | None, on_progress: Progress, limit: int | None
) -> None:
    on_progress(partial.size, total)
    async for content in response.aiter_raw(CHUNK_BYTES):
        check_size(partial.size + len(content), limit)
        await partial.append(content)
        on_progress(partial.size, total)


async def _content(source: Path, size: int, on_progress: Progress) -> AsyncIterator[bytes]:
    done = 0
    on_progress(done, size)
    async with await anyio.open_file(source, "rb") as file:
        while content := await file.read(CHUNK_BYTES):
            yield content
            done += len(content)
            on_progress(done, size)


def _version(response: httpx.Response) -> str | None:
    """Gives what a server calls this content of the file and no other, if it does."""
    tag: str = response.headers.get("etag", "")
    return tag if tag.startswith('"') and response.headers.get("accept-ranges") == "bytes" else None


def _check(url: str, response: httpx.Response) -> None:
    if response.status_code in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
        raise NotFound(f"{_shown(url)}: the server has no such file")
    if not response.is_success:
        raise TransferFailed(f"{_shown(url)}: the server answered {response.status_code} {response.reason_phrase}")


def _failed(url: str, error: httpx.HTTPError) -> TransferFailed:
    return TransferFailed(f"{_shown(url)}: {str(error) or type(error).__name__}")


def _shown(url: str) -> str:
    """Leaves out what may be secret: user, password, and query."""
    plain = httpx.URL(url)
    return f"{plain.scheme}://{plain.host}{plain.path}"
