"""The local image registry, as the SDKs of Golem and the command line use it."""

import hashlib
import io
import tarfile
from collections.abc import AsyncIterator

import httpx
import pytest

from golem_vpn.images.registry import Registry

pytestmark = pytest.mark.anyio


def archive() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as members:
        members.addfile(tarfile.TarInfo("etc/release"), io.BytesIO())
    return file.getvalue()


IMAGE = archive()
DIGEST = hashlib.sha3_224(IMAGE).hexdigest()
DOWNLOAD = f"http://daemon/v1/image/download/{DIGEST}"


@pytest.fixture
async def stored(images: Registry) -> None:
    async def content() -> AsyncIterator[bytes]:
        yield IMAGE[:100]
        yield IMAGE[100:]

    await images.add(content(), "golem/ssh")


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    "query",
    [
        {"tag": "golem/ssh:latest", "count": "true"},
        {"tag": "golem/ssh", "dev": "true"},
        {"hash": DIGEST, "count": "true"},
    ],
)
async def test_anyone_learns_where_an_image_is(stranger: httpx.AsyncClient, query: dict[str, str]) -> None:
    answer = await stranger.get("/v1/image/info", params=query)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "sha3": DIGEST,
        "size": len(IMAGE),
        "http": DOWNLOAD,
        "https": DOWNLOAD,
        "tags": ["golem/ssh:latest"],
    }


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"tag": "golem/ssh", "hash": DIGEST}, 400),
        ({"tag": "../passwd"}, 400),
        ({"tag": "golem/other"}, 404),
        ({"hash": "0" * 56}, 404),
    ],
)
async def test_a_wrong_question_is_told_as_such(
    stranger: httpx.AsyncClient, query: dict[str, str], status: int
) -> None:
    answer = await stranger.get("/v1/image/info", params=query)
    assert answer.status_code == status
    assert answer.json()["message"]


@pytest.mark.usefixtures("stored")
async def test_an_image_is_downloaded_whole_and_in_parts(stranger: httpx.AsyncClient) -> None:
    whole = await stranger.get(DOWNLOAD)
    assert (whole.status_code, whole.content) == (200, IMAGE)
    assert whole.headers["content-type"] == "application/octet-stream"
    part = await stranger.get(DOWNLOAD, headers={"Range": f"bytes=100-{len(IMAGE)}"})
    assert (part.status_code, part.content) == (206, IMAGE[100:])
    assert part.headers["content-range"] == f"bytes 100-{len(IMAGE) - 1}/{len(IMAGE)}"
    behind = await stranger.get(DOWNLOAD, headers={"Range": f"bytes={len(IMAGE)}-"})
    assert (behind.status_code, behind.headers["content-range"]) == (416, f"bytes */{len(IMAGE)}")


@pytest.mark.usefixtures("stored")
async def test_head_tells_the_size(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.head(DOWNLOAD)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(IMAGE))
    assert (await stranger.head(DOWNLOAD[:-1] + "x")).status_code == 404


async def test_images_are_added_listed_and_removed(client: httpx.AsyncClient) -> None:
    added = await client.post("/golem-vpn/v1/images", params={"tag": "golem/ssh:1"}, content=IMAGE)
    assert added.status_code == 200, added.text
    assert added.json()["taskPackage"] == f"hash:sha3:{DIGEST}:{DOWNLOAD}"
    assert (await client.get("/golem-vpn/v1/images")).json() == [added.json()]
    assert (await client.delete("/golem-vpn/v1/images/golem/ssh:1")).status_code == 200
    assert (await client.get("/golem-vpn/v1/images")).json() == []
    assert (await client.get(DOWNLOAD)).status_code == 404
    assert (await client.delete("/golem-vpn/v1/images/golem/ssh:1")).status_code == 404


async def test_what_is_no_image_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/golem-vpn/v1/images", content=b"no image")
    assert answer.status_code == 400
    assert (await client.get("/golem-vpn/v1/images")).json() == []


async def test_a_stranger_manages_nothing(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.post("/golem-vpn/v1/images", content=IMAGE)).status_code == 401
    assert (await stranger.get("/golem-vpn/v1/images")).status_code == 401
