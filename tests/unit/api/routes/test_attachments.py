import httpx
import pytest

from golem_vpn.api.dependencies import Services
from golem_vpn.vpn.attachments import Attachment

pytestmark = pytest.mark.anyio

PATH = "/golem-vpn/v1/attachments"
MADE = Attachment("e" * 32, "vpn0", ("10.0.0.5/24",))


async def test_attach_list_detach(
    client: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[object, ...]] = []

    async def attach(network_id: str, interface: str, timeout: float) -> Attachment:
        calls.append((network_id, interface, timeout))
        return MADE

    monkeypatch.setattr(services.attachments, "attach_when_known", attach)
    monkeypatch.setattr(services.attachments, "list", lambda: (MADE,))
    monkeypatch.setattr(services.attachments, "detach", lambda network_id: calls.append((network_id,)))
    shown = {"networkId": MADE.network_id, "interface": "vpn0", "addresses": ["10.0.0.5/24"]}
    assert (await client.post(PATH, json={"networkId": MADE.network_id})).json() == shown
    assert (await client.post(f"{PATH}?timeout=2.5", json={"networkId": MADE.network_id})).json() == shown
    assert (await client.get(PATH)).json() == [shown]
    assert (await client.delete(f"{PATH}/{MADE.network_id}")).text == "null"
    assert calls == [(MADE.network_id, "vpn0", 0.0), (MADE.network_id, "vpn0", 2.5), (MADE.network_id,)]


async def test_refusals(client: httpx.AsyncClient) -> None:
    assert (await client.get(PATH)).json() == []
    assert (await client.post(PATH, json={"networkId": "unknown"})).status_code == 404
    assert (await client.post(PATH, json={"networkId": "unknown", "interface": "eth0"})).status_code == 400
    assert (await client.post(f"{PATH}?timeout=-1", json={"networkId": "unknown"})).status_code == 400
    assert (await client.delete(f"{PATH}/unknown")).status_code == 404
