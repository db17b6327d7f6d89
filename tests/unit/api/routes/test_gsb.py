import httpx
import pytest

pytestmark = pytest.mark.anyio

PATH = "/gsb-api/v1/services"


async def test_bind_and_unbind(client: httpx.AsyncClient) -> None:
    listen = {"on": "/public/gftp/some-name", "components": ["GetMetadata", "GetChunk"]}
    made = await client.post(PATH, json={"listen": listen})
    assert made.status_code == 201
    services_id = made.json()["servicesId"]
    assert (await client.post(PATH, json={"listen": listen})).status_code == 409
    assert (await client.delete(f"{PATH}/{services_id}")).status_code == 200
    assert (await client.delete(f"{PATH}/{services_id}")).status_code == 404


async def test_refusals(client: httpx.AsyncClient) -> None:
    for body in ({}, {"listen": {"on": "/public/gftp/x"}}, {"listen": {"on": "elsewhere", "components": ["GetChunk"]}}):
        assert (await client.post(PATH, json=body)).status_code == 400
