from pathlib import Path

import anyio
import httpx
import pytest

from golem_vpn.api.dependencies import Services

pytestmark = pytest.mark.anyio

PATH = "/golem-vpn/v1/files"


async def test_publish_list_fetch_close(client: httpx.AsyncClient, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"content")
    [published] = (await client.post(f"{PATH}/publish", json={"files": [str(source)]})).json()
    assert published["file"] == str(source)
    assert (await client.get(PATH)).json() == [published]
    fetched = await client.post(f"{PATH}/download", json={"file": str(target), "url": published["url"]})
    assert fetched.status_code == 200
    assert target.read_bytes() == b"content"
    closed = await client.post(f"{PATH}/close", json={"urls": [published["url"], "banana"]})
    assert closed.json() == ["ok", "error"]
    assert (await client.get(PATH)).json() == []


async def test_receive_and_upload(client: httpx.AsyncClient, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"content")
    awaited = (await client.post(f"{PATH}/receive", json={"outputFile": str(target)})).json()
    handed = await client.post(f"{PATH}/upload", json={"file": str(source), "url": awaited["url"]})
    assert handed.status_code == 200
    assert target.read_bytes() == b"content"


async def test_refusals(client: httpx.AsyncClient, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"content")
    answers = [
        await client.post(f"{PATH}/publish", json={"files": [str(tmp_path / "missing")]}),
        await client.post(f"{PATH}/publish", json={"files": ["relative"]}),
        await client.post(f"{PATH}/publish", json={"files": "x"}),
        await client.post(f"{PATH}/receive", json={"outputFile": str(tmp_path / "no" / "file")}),
        await client.post(f"{PATH}/download", json={"file": str(source), "url": "file:/etc/hostname"}),
        await client.post(f"{PATH}/upload", json={"file": str(source), "url": "file:/etc/hostname"}),
        await client.post(f"{PATH}/download", json={"file": str(source), "url": "banana"}),
        await client.post(f"{PATH}/download?timeout=-1", json={"file": str(source), "url": "http://x/"}),
    ]
    assert [answer.status_code for answer in answers] == [404, 400, 400, 400, 400, 400, 400, 400]
    assert (await client.get(PATH)).json() == []


async def test_a_time_limit(
    client: httpx.AsyncClient, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def download(_url: str, _path: Path) -> None:
        await anyio.sleep_forever()

    monkeypatch.setattr(services.files, "download", download)
    body = {"file": str(tmp_path / "target"), "url": "http://192.0.2.1/"}
    answer = await client.post(f"{PATH}/download?timeout=0.01", json=body)
    assert answer.status_code == 408
