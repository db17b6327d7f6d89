from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import httpx
import pytest
from litestar.types import ASGIApp

from golem_vpn.api.app import create_app
from golem_vpn.api.dependencies import Services

pytestmark = pytest.mark.anyio

PATH = "/golem-vpn/v1/provider"
STATUS = {
    "paused": False, "subnet": "public", "agreements": 2, "maxAgreements": 16, "offers": {"vm": "o1"},
    "settings": "/data/presets.toml", "complaint": None,
}  # fmt: skip
PRESET = SimpleNamespace(
    name="vm", runtime="vm", active=True, start_price=Decimal(0), hour_price=Decimal("0.036"),
    cpu_hour_price=Decimal("0.1"), threads=2, memory_gib=1.5, storage_gib=3.0,
)  # fmt: skip


class NotedProvider:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.paused = False

    async def status(self) -> object:
        return SimpleNamespace(
            paused=self.paused, subnet="public", agreements=2, max_agreements=16, offers={"vm": "o1"},
            settings="/data/presets.toml", complaint=None,
        )  # fmt: skip

    def presets(self) -> list[object]:
        return [PRESET]

    async def pause(self) -> None:
        self.paused = True

    async def resume(self) -> None:
        self.paused = False


class TestProvider:
    @pytest.fixture
    def app(self, services: Services) -> ASGIApp:
        return create_app(replace(services, provider=NotedProvider()))

    async def test_status_and_pause(self, client: httpx.AsyncClient) -> None:
        assert (await client.get(f"{PATH}/status")).json() == STATUS
        assert (await client.post(f"{PATH}/pause")).text == "null"
        assert (await client.get(f"{PATH}/status")).json() == STATUS | {"paused": True}
        assert (await client.post(f"{PATH}/resume")).text == "null"
        assert (await client.get(f"{PATH}/status")).json() == STATUS

    async def test_presets(self, client: httpx.AsyncClient) -> None:
        [preset] = (await client.get(f"{PATH}/presets")).json()
        assert preset["hourPrice"] == "0.036"
        assert (preset["name"], preset["memoryGib"]) == ("vm", 1.5)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "status"), ("GET", "presets"), ("POST", "pause"), ("POST", "resume")]
)
async def test_a_node_that_is_no_provider(method: str, path: str, client: httpx.AsyncClient) -> None:
    answer = await client.request(method, f"{PATH}/{path}")
    assert answer.status_code == 409
    assert "--provider" in answer.json()["message"]
