import httpx
import pytest

pytestmark = pytest.mark.anyio


async def test_every_route_is_described_with_its_failures(stranger: httpx.AsyncClient) -> None:
    response = await stranger.get("/openapi.json")
    assert response.status_code == 200
    description = response.json()
    assert description["openapi"].startswith("3.1")
    assert "/net-api/v1/net/{network_id}/nodes" in description["paths"]
    assert "/net-api/v2/vpn/net/{network_id}/nodes" in description["paths"]
    for path, methods in description["paths"].items():
        for operation in methods.values():
            assert operation["description"], path
            assert {"101", "200", "201", "204"} & set(operation["responses"]), path
            assert "401" in operation["responses"] or operation.get("security") == [{}], path


async def test_an_unexpected_error_is_500_without_details(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_arguments: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("golem_vpn.vpn.networks.NetworkService.list", fail)
    response = await client.get("/net-api/v1/net")
    assert response.status_code == 500
    assert "secret" not in response.text
    assert set(response.json()) == {"message"}
