import anyio
import pytest

from golem_vpn.bells import Bells
from golem_vpn.market.waiting import until

pytestmark = pytest.mark.anyio


async def test_what_is_there_is_given_at_once() -> None:
    async def look() -> list[int]:
        return [1]

    assert await until(look, lambda: Bells[str]().listen(""), 0) == [1]


async def test_what_comes_later_is_given_then() -> None:
    bells, found = Bells[str](), list[int]()

    async def look() -> list[int]:
        return found

    async with anyio.create_task_group() as tasks:

        async def put() -> None:
            bells.ring("")
            await anyio.wait_all_tasks_blocked()
            found.append(1)
            bells.ring("")

        tasks.start_soon(put)
        assert await until(look, lambda: bells.listen(""), 20) == [1]


async def test_what_comes_while_looking_is_not_missed() -> None:
    bells, looks = Bells[str](), list[None]()

    async def look() -> bool:
        looks.append(None)
        bells.ring("")
        return len(looks) == 2

    assert await until(look, lambda: bells.listen(""), 20)


async def test_nothing_in_time() -> None:
    async def look() -> list[int]:
        return []

    assert await until(look, lambda: Bells[str]().listen(""), 0.01) is None
