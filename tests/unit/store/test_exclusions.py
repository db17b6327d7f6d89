import pytest

from golem_vpn.store.database import Database
from golem_vpn.store.exclusions import ExclusionRepository

pytestmark = pytest.mark.anyio


async def test_each_hub_has_its_own_list(database: Database) -> None:
    exclusions = ExclusionRepository(database)
    await exclusions.change("one", ["alice", "bob"], [])
    await exclusions.change("two", ["alice"], [])
    await exclusions.change("one", ["bob", "carol"], ["alice", "nobody"])
    assert await exclusions.all() == {"one": {"bob", "carol"}, "two": {"alice"}}
