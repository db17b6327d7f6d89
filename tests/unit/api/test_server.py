import anyio
import httpx
import pytest

from golem_vpn.api.dependencies import Services
from golem_vpn.api.server import ApiServer
from golem_vpn.config import Address
from golem_vpn.errors import ConfigurationError

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
async def test_serves_at_a_free_port(services: Services, host: str) -> None:
    async with anyio.create_task_group() as tasks:
        address = await tasks.start(ApiServer(services, Address(host, 0)).serve)
        assert address.port > 0
        async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False) as client:
            assert (await client.get("/version/get")).status_code == 200
            assert (await client.get("/me")).json() == {"message": "Missing application key"}
        tasks.cancel_scope.cancel()


async def test_a_taken_port_is_named(services: Services) -> None:
    async with anyio.create_task_group() as tasks:
        address = await tasks.start(ApiServer(services, Address("127.0.0.1", 0)).serve)
        with pytest.raises(ConfigurationError, match=rf"{address}.*another daemon"):
            await ApiServer(services, address).serve()
        tasks.cancel_scope.cancel()


async def test_an_unknown_host_is_named(services: Services) -> None:
    with pytest.raises(ConfigurationError, match=r"192\.0\.2\.1"):
        await ApiServer(services, Address("192.0.2.1", 0)).serve()


async def test_garbage_ends_one_connection_only(services: Services) -> None:
    async with anyio.create_task_group() as tasks:
        address = await tasks.start(ApiServer(services, Address("127.0.0.1", 0)).serve)
        for garbage in (
            b"\x16\x03\x01" + bytes(500),
            b"GET / HTTP/1.1\r\nHost",
            b"GET /" + b"x" * 200_000,
            b"\r\n" * 9,
        ):
            async with await anyio.connect_tcp(address.host, address.port) as connection:
                await connection.send(garbage)
        async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False) as client:
            assert (await client.get("/version/get")).status_code == 200
        tasks.cancel_scope.cancel()
