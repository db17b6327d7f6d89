import anyio
import pytest

from golem_vpn.bells import Bells

pytestmark = pytest.mark.anyio


async def test_a_ring_between_looking_and_waiting_is_heard() -> None:
    bells = Bells[str]()
    bell = bells.listen("a")
    bells.ring("a")
    with anyio.fail_after(1):
        await bell.wait()


async def test_a_ring_wakes_all_listeners_of_its_subject_alone() -> None:
    bells = Bells[str]()
    first, second, other = bells.listen("a"), bells.listen("a"), bells.listen("b")
    bells.ring("a")
    assert (first.is_set(), second.is_set(), other.is_set()) == (True, True, False)
    assert not bells.listen("a").is_set()
