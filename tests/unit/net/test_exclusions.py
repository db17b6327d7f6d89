from collections.abc import AsyncIterator, Collection
from pathlib import Path

import pytest

from golem_vpn.net.exclusions import Exclusions
from golem_vpn.store.database import Database
from golem_vpn.store.exclusions import ExclusionRepository

pytestmark = pytest.mark.anyio


@pytest.fixture
async def repository(tmp_path: Path) -> AsyncIterator[ExclusionRepository]:
    database = Database(tmp_path / "golem-vpn.db")
    await database.open()
    yield ExclusionRepository(database)
    await database.close()


async def test_a_hub_shuts_nodes_out_and_lets_them_in(repository: ExclusionRepository) -> None:
    exclusions = Exclusions(repository)
    heard: list[Collection[str]] = []
    exclusions.on_change(heard.append)
    await exclusions.replace("hub", ["eve", "mallory"])
    await exclusions.change("hub", "eve", expelled=False)
    await exclusions.change("hub", "eve", expelled=False)
    assert exclusions.nodes == ["mallory"]
    assert [sorted(nodes) for nodes in heard] == [["eve", "mallory"], ["eve"]]
    recalled = Exclusions(repository)
    await recalled.open()
    assert recalled.nodes == ["mallory"]


async def test_another_hubs_member_is_no_outcast(repository: ExclusionRepository) -> None:
    exclusions = Exclusions(repository)
    exclusions.vouch("two", ["eve", "bob"], ["eve"])
    await exclusions.replace("one", ["eve", "bob"])
    assert exclusions.nodes == ["bob"]
    exclusions.vouch("two", ["bob"], ["bob"])
    assert exclusions.nodes == []
    exclusions.vouch("two", ["eve"], [])
    assert exclusions.nodes == ["eve"]
    await exclusions.change("two", "bob", expelled=True)
    assert exclusions.nodes == ["bob", "eve"]


async def test_a_hub_that_was_left_says_nothing(repository: ExclusionRepository) -> None:
    exclusions = Exclusions(repository)
    exclusions.vouch("two", [], ["bob"])
    await exclusions.replace("one", ["eve", "bob"])
    await exclusions.forget("two")
    assert exclusions.nodes == ["bob", "eve"]
    await exclusions.forget("one")
    assert exclusions.nodes == []
    assert await repository.all() == {}
