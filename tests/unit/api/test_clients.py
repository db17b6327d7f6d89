from typing import Any

import anyio
import pytest
from litestar import Request

from golem_vpn.api.clients import while_connected
from golem_vpn.errors import NotFound, NotYet

pytestmark = pytest.mark.anyio


def request_of(*messages: str) -> Request[Any, Any, Any]:
    """A request whose client sends some messages and then stays silent."""
    left = list(messages)

    async def receive() -> Any:
        if left:
            return {"type": left.pop(0)}
        return await anyio.sleep_forever()

    return Request({"type": "http", "headers": []}, receive=receive)  # type: ignore[arg-type]


async def test_a_client_that_stays_gets_the_answer() -> None:
    async def call() -> int:
        await anyio.wait_all_tasks_blocked()
        return 5

    assert await while_connected(request_of("http.request"), call) == 5


async def test_an_error_comes_as_it_is() -> None:
    async def call() -> int:
        raise NotFound("there is none")

    with pytest.raises(NotFound, match="there is none"):
        await while_connected(request_of(), call)


async def test_a_client_that_hangs_up_ends_the_call() -> None:
    ended: list[str] = []

    async def call() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("cancelled")

    with pytest.raises(NotYet, match="hung up"):
        await while_connected(request_of("http.request", "http.disconnect"), call)
    assert ended == ["cancelled"]
