import pytest

from golem_vpn.store.database import Database
from golem_vpn.store.published_offers import PublishedOfferRepository

pytestmark = pytest.mark.anyio


async def test_offers_are_noted_once_and_forgotten(database: Database) -> None:
    repository = PublishedOfferRepository(database)
    for offer_id in ("b", "a", "b"):
        await repository.add(offer_id)
    assert await repository.all() == ["a", "b"]
    await repository.remove("a")
    await repository.remove("a")
    assert await repository.all() == ["b"]
