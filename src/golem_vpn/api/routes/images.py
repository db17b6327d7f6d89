"""The local image registry: what the SDKs of Golem ask, which is open to anyone, and its management, which is not."""

from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
from anyio.to_thread import run_sync
from litestar import Request, Response, Router, delete, get, head, post
from litestar.params import FromPath, FromQuery
from litestar.response import Stream
from litestar.status_codes import HTTP_200_OK

from golem_vpn import moments
from golem_vpn.api import prefixes
from golem_vpn.api.dependencies import Images
from golem_vpn.api.failures import raises
from golem_vpn.api.ranges import Unsatisfiable, parse_range, read_range
from golem_vpn.errors import InvalidInput, NotFound
from golem_vpn.images import task_package
from golem_vpn.images.digest import parse_digest
from golem_vpn.images.registry import Registry
from golem_vpn.store.images import StoredImage

BINARY = "application/octet-stream"
AnyRequest = Request[Any, Any, Any]


class ImageLinks(msgspec.Struct, frozen=True):
    """Where an image can be had, as Golem's registry tells it."""

    sha3: str
    """The SHA3-224 digest of the file."""
    size: int
    http: str
    https: str
    """The same: the daemon has no certificate, and the digest says whether the image is the right one."""
    tags: tuple[str, ...]


class ImageInfo(msgspec.Struct, frozen=True, rename="camel"):
    """An image of the local registry."""

    hash: str
    """The SHA3-224 digest of the file."""
    size: int
    created: str
    tags: tuple[str, ...]
    url: str
    task_package: str
    """What a demand names, in the property `golem.srv.comp.task_package`."""


@get("/v1/image/info", security=[{}], responses=raises(400, 404))
async def show_image_links(
    request: AnyRequest,
    images: Images,
    tag: FromQuery[str | None] = None,
    hash: FromQuery[str | None] = None,
) -> ImageLinks:
    """Tells where an image is that has a tag or a digest; further parameters, as SDKs send them, are ignored."""
    if (tag is None) == (hash is None):
        raise InvalidInput("Either tag or hash has to be given")
    image = await images.find(tag if tag is not None else parse_digest(hash or ""))
    url = _url(request, image.digest)
    return ImageLinks(image.digest, image.size, url, url, image.tags)


@get("/v1/image/download/{digest:str}", security=[{}], media_type=BINARY, responses=raises(404))
async def download_image(request: AnyRequest, images: Images, digest: FromPath[str]) -> Response[Any]:
    """Gives an image, or the part of it that a Range header asks for."""
    path, size = await run_sync(_file, images, digest)
    headers = _headers(digest)
    try:
        part = parse_range(request.headers.get("range"), size)
    except Unsatisfiable:
        headers["Content-Range"] = f"bytes */{size}"
        return Response(b"", status_code=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=headers, media_type=BINARY)
    headers["Content-Length"] = str(part.length)
    if part.is_partial:
        headers["Content-Range"] = part.content_range
    status = HTTPStatus.PARTIAL_CONTENT if part.is_partial else HTTPStatus.OK
    return Stream(read_range(path, part), status_code=status, headers=headers, media_type=BINARY)


@head("/v1/image/download/{digest:str}", security=[{}], responses=raises(404))
async def check_image(images: Images, digest: FromPath[str]) -> Response[None]:
    """Tells whether an image is there, and how large it is."""
    _, size = await run_sync(_file, images, digest)
    headers = {**_headers(digest), "Content-Length": str(size), "Content-Type": BINARY}
    return Response(None, headers=headers)


@get("/images", responses=raises())
async def list_images(request: AnyRequest, images: Images) -> list[ImageInfo]:
    """Lists the images, oldest first."""
    return [_info(request, image) for image in await images.images()]


@post("/images", status_code=HTTP_200_OK, request_max_body_size=None, responses=raises(400))
async def add_image(request: AnyRequest, images: Images, tag: FromQuery[str | None] = None) -> ImageInfo:
    """Takes in an image, which is the body: a squashfs file as Golem's providers run it, or a tar archive."""
    return _info(request, await images.add(request.stream(), tag))


@delete("/images/{reference:path}", status_code=HTTP_200_OK, responses=raises(400, 404))
async def remove_image(request: AnyRequest, images: Images, reference: FromPath[Path]) -> ImageInfo:
    """Removes a tag and, when it was the last one or a digest was given, the image."""
    return _info(request, await images.remove(str(reference).removeprefix("/")))


def _file(images: Registry, digest: str) -> tuple[Path, int]:
    path = images.blob(digest)
    if path is None:
        raise NotFound(f"There is no image {digest}")
    return path, path.stat().st_size


def _headers(digest: str) -> dict[str, str]:
    return {"Accept-Ranges": "bytes", "ETag": f'"{digest}"', "Cache-Control": "public, max-age=31536000, immutable"}


def _url(request: AnyRequest, digest: str) -> str:
    return f"{str(request.base_url).rstrip('/')}/v1/image/download/{digest}"


def _info(request: AnyRequest, image: StoredImage) -> ImageInfo:
    url = _url(request, image.digest)
    created = moments.to_text(image.created)
    package = task_package.compose(image.digest, url)
    return ImageInfo(image.digest, image.size, created, image.tags, url, package)


def routers() -> list[Router]:
    """Gives the routes."""
    return [
        Router("/", route_handlers=[show_image_links, download_image, check_image], tags=["Image registry"]),
        Router(prefixes.DAEMON, route_handlers=[list_images, add_image, remove_image], tags=["Images"]),
    ]
