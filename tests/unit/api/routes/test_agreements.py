import anyio
import httpx
import pytest

from golem_vpn.api.app_keys import AppKeys
from golem_vpn.net.identity import Identities
from tests.unit.provider.kit import Provider

pytestmark = pytest.mark.anyio

PATH = "/golem-vpn/v1/agreements"


async def test_an_agreement_from_hire_to_end(client: httpx.AsyncClient, provider: Provider, app_keys: AppKeys) -> None:
    hired = await client.post(PATH, json={"providerId": provider.id})
    assert hired.status_code == 200
    agreement = hired.json()
    assert agreement["state"] == "Approved"
    assert agreement["offer"]["providerId"] == provider.id
    assert agreement["demand"]["requestorId"] == app_keys.list()[0].identity
    one = f"{PATH}/{agreement['agreementId']}"
    assert (await client.get(one)).json() == agreement
    assert (await client.get(PATH)).json() == [agreement]
    assert (await client.delete(one)).text == "null"
    assert (await client.get(one)).json()["state"] == "Terminated"
    assert (await client.delete(one)).status_code == 410


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"providerId": "me"}, 400), ({"providerId": 5}, 400), ({"providerId": "0x" + "c" * 40}, 502)],
)
async def test_refusals(client: httpx.AsyncClient, body: dict[str, object], status: int) -> None:
    response = await client.post(PATH, json=body)
    assert response.status_code == status
    assert set(response.json()) == {"message"}
    assert (await client.get(f"{PATH}/unknown")).status_code == 404


async def test_agreements_are_their_requestors_own(
    client: httpx.AsyncClient, provider: Provider, app_keys: AppKeys, identities: Identities
) -> None:
    agreement = (await client.post(PATH, json={"providerId": provider.id})).json()
    other = await anyio.to_thread.run_sync(identities.create, "other")
    _, secret = await app_keys.create("other", other.node_id)
    client.headers["Authorization"] = f"Bearer {secret}"
    assert (await client.get(PATH)).json() == []
    for method in ("GET", "DELETE"):
        response = await client.request(method, f"{PATH}/{agreement['agreementId']}")
        assert response.status_code == 403
