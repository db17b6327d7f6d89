from typing import Any

import httpx
import pytest

from golem_vpn.api.openapi import SOURCES

pytestmark = pytest.mark.anyio


async def test_what_makes_an_object_links_to_what_takes_it(client: httpx.AsyncClient) -> None:
    paths: dict[str, Any] = (await client.get("/openapi.json")).json()["paths"]
    operations = {operation["operationId"] for item in paths.values() for operation in item.values()}
    for source in SOURCES:
        [links] = [answer["links"] for answer in paths[source.path]["post"]["responses"].values() if "links" in answer]
        assert links
        assert operations.issuperset(link["operationId"] for link in links.values())
        assert all(link["parameters"][source.parameter] == source.id_in_answer for link in links.values())


async def test_a_link_takes_along_the_ids_that_its_source_took(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    links = paths["/activity-api/v1/activity/{activity_id}/exec"]["post"]["responses"]["200"]["links"]
    [link] = links.values()
    assert link["parameters"] == {"activity_id": "$request.path.activity_id", "batch_id": "$response.body"}


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/net-api/v1/net", {"GET", "POST", "OPTIONS"}),
        ("/net-api/v1/net/0", {"GET", "DELETE", "OPTIONS"}),
        ("/me", {"GET", "OPTIONS"}),
    ],
)
async def test_options_name_all_methods(client: httpx.AsyncClient, path: str, methods: set[str]) -> None:
    response = await client.options(path)
    assert response.status_code == 204
    assert set(response.headers["allow"].split(", ")) == methods
