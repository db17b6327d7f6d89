"""An image of the requestor's registry runs on providers, which get it over Golem Net; nothing else serves it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from golem_vpn.cli.local_set import LocalSet
from golem_vpn.images.build import Plan, build
from golem_vpn.sdk.client import Client
from golem_vpn.sdk.models import CommandResult, Image

pytestmark = [pytest.mark.network, pytest.mark.anyio]

KEPT: dict[str, Any] = {"stdout": {"atEnd": {}}, "stderr": {"atEnd": {}}}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "image.gvmi"
    build(Plan(programs=("sh",), env=("FROM_IMAGE=yes",)), path)
    return path


@pytest.fixture
async def image(client: Client, file: Path) -> AsyncIterator[Image]:
    image = await client.add_image(file, tag="golem-vpn/test")
    yield image
    await client.remove_image(image.hash)


async def run(client: Client, activity: str, *commands: dict[str, Any]) -> list[CommandResult]:
    """Runs commands to their end."""
    batch = await client.execute(activity, list(commands))
    results: list[CommandResult] = []
    while not results or not results[-1].is_batch_finished:
        results = await client.results(activity, batch)
    return results


async def hire(client: Client, provider: str, task_package: str) -> str:
    """Makes an activity under an agreement that names a task package."""
    demand = {"golem.srv.comp.task_package": task_package}
    body = {"providerId": provider, "demandProperties": demand}
    agreement = await client.ask(dict[str, Any], "POST", "/golem-vpn/v1/agreements", body)
    return await client.create_activity(agreement["agreementId"])


async def test_an_image_runs_wherever_it_is_asked_for(client: Client, local_set: LocalSet, image: Image) -> None:
    providers = [node.node_id for node in await client.nodes() if "provider" in node.roles]
    # The second activity finds what the first one left.
    for provider in (providers[0], providers[0], providers[1]):
        activity = await hire(client, provider, image.task_package)
        shell = {"entry_point": "/bin/sh", "args": ["-c", "id -u; pwd; echo $FROM_IMAGE; ls /golem"], "capture": KEPT}
        deployed, started, ran = await run(client, activity, {"deploy": {}}, {"start": {}}, {"run": shell})
        assert (deployed.message, started.message, ran.message) == (None, None, None)
        assert ran.stdout == "0\n/\nyes\nwork\n"
        await client.destroy_activity(activity)
    unpacked = local_set.data_dir / "providers" / "1" / "images" / "unpacked"
    assert [path.name for path in unpacked.iterdir()] == [image.hash]


async def test_an_image_that_nobody_has_is_told(client: Client) -> None:
    provider = next(node.node_id for node in await client.nodes() if "provider" in node.roles)
    activity = await hire(client, provider, f"hash:sha3:{'0' * 56}:http://127.0.0.1:9/nowhere")
    (result,) = await run(client, activity, {"deploy": {}})
    assert result.result == "Error"
    assert "can't be had" in (result.message or "")
    await client.destroy_activity(activity)


async def test_the_registry_answers_as_sdks_ask(client: Client, image: Image) -> None:
    async with httpx.AsyncClient(base_url=client.url) as stranger:
        info = (await stranger.get("/v1/image/info", params={"tag": "golem-vpn/test", "count": "true"})).json()
        assert (info["sha3"], info["size"]) == (image.hash, image.size)
        head = await stranger.head(info["http"])
        assert (head.status_code, head.headers["content-length"]) == (200, str(image.size))
        part = await stranger.get(info["http"], headers={"Range": "bytes=0-3"})
        assert (part.status_code, part.content) == (206, b"hsqs")
