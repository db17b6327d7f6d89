"""Files of this machine for other nodes, and theirs for this machine: what the `gftp` program asks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import anyio
import msgspec
from litestar import Router, get, post
from litestar.params import JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK

from golem_vpn.api import prefixes
from golem_vpn.api.dependencies import Caller, OwnFiles
from golem_vpn.api.failures import json_body, raises
from golem_vpn.errors import GolemVpnError, NotYet
from golem_vpn.files.service import OfferedFile

DEFAULT_SECONDS = 600.0
MAX_SECONDS = 86_400.0

Seconds = Annotated[float, QueryParameter(ge=0, le=MAX_SECONDS)]


class FilePaths(msgspec.Struct, frozen=True):
    """Files of the daemon's machine, by absolute paths."""

    files: list[str]


class OutputFile(msgspec.Struct, frozen=True, rename="camel"):
    """Where to put a file that comes, by an absolute path."""

    output_file: str


class FileUrls(msgspec.Struct, frozen=True):
    """URLs of files."""

    urls: list[str]


@get(responses=raises())
async def list_files(caller: Caller, own_files: OwnFiles) -> list[OfferedFile]:
    """Lists the files that the caller offers to other nodes, and those that it waits for."""
    return own_files.offered(caller.identity)


@post("/publish", status_code=HTTP_200_OK, guards=[json_body], responses=raises(400, 403, 404, 503))
async def publish_files(caller: Caller, own_files: OwnFiles, data: JSONBody[FilePaths]) -> list[OfferedFile]:
    """Offers files of the daemon's machine, all or none; they must stay as they are until they are closed."""
    return await own_files.publish(caller.identity, [Path(path) for path in data.files])


@post("/receive", status_code=HTTP_200_OK, guards=[json_body], responses=raises(400, 403, 503))
async def receive_file(caller: Caller, own_files: OwnFiles, data: JSONBody[OutputFile]) -> OfferedFile:
    """Makes a URL under which others may hand a file over."""
    return await own_files.receive(caller.identity, Path(data.output_file))


@post("/close", status_code=HTTP_200_OK, guards=[json_body], responses=raises(400))
async def close_files(caller: Caller, own_files: OwnFiles, data: JSONBody[FileUrls]) -> list[str]:
    """Takes URLs back; tells `ok` of each, or `error` where nothing was under it."""
    return [await _close(own_files, caller.identity, url) for url in data.urls]


@post("/upload", status_code=HTTP_200_OK, guards=[json_body], responses=raises(400, 403, 404, 408, 409, 410, 502))
async def upload_file(own_files: OwnFiles, data: JSONBody[OfferedFile], timeout: Seconds = DEFAULT_SECONDS) -> None:
    """Hands a file of the daemon's machine over under a URL, within so many seconds."""
    async with _limited(timeout):
        await own_files.upload(Path(data.file), data.url)


@post("/download", status_code=HTTP_200_OK, guards=[json_body], responses=raises(400, 403, 404, 408, 409, 410, 502))
async def download_file(own_files: OwnFiles, data: JSONBody[OfferedFile], timeout: Seconds = DEFAULT_SECONDS) -> None:
    """Fetches a file to the daemon's machine, within so many seconds; asked again, it goes on where it ended."""
    async with _limited(timeout):
        await own_files.download(data.url, Path(data.file))


async def _close(own_files: OwnFiles, owner: str, url: str) -> str:
    try:
        await own_files.release(owner, url)
    except GolemVpnError:
        return "error"
    return "ok"


@asynccontextmanager
async def _limited(seconds: float) -> AsyncIterator[None]:
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError:
        raise NotYet(f"the file did not get through within {seconds:g} s") from None


def router() -> Router:
    """Gives the routes."""
    handlers = [list_files, publish_files, receive_file, close_files, upload_file, download_file]
    return Router(f"{prefixes.DAEMON}/files", route_handlers=handlers, tags=["Files"])
