from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from golem_vpn.errors import Gone
from golem_vpn.provider.oversight import LONGEST_PAUSE, Oversight
from golem_vpn.provider.policy import DEBIT_NOTE_INTERVAL, EXPIRATION
from tests.unit.provider.books import NOON, PRICES, Books, open_books

pytestmark = pytest.mark.anyio

IDLE = timedelta(minutes=5)


@dataclass
class Ends:
    """Ends agreements as the market does, and remembers why."""

    books: Books
    reasons: dict[str, str] = field(default_factory=dict)
    refuse: bool = False

    async def terminate(self, identity: str, agreement_id: str, reason: dict[str, Any]) -> None:
        if self.refuse:
            raise Gone("it has ended")
        agreement = await self.books.agreements.find(agreement_id)
        assert agreement is not None
        assert agreement.provider_id == identity
        self.reasons[agreement_id] = reason["golem.provider.code"]
        await self.books.end(agreement)


def overseeing(books: Books, ends: Ends) -> Oversight:
    return Oversight(
        books.agreements, books.activities, books.activity_repository, books.payments, ends.terminate, lambda: IDLE
    )


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


async def test_an_agreement_ends_when_its_time_is_over(tmp_path: Path) -> None:
    async with open_books(tmp_path) as books:
        ends = Ends(books)
        oversight = overseeing(books, ends)
        expires = NOON + timedelta(seconds=3)
        agreement = await books.agree(demand_properties={EXPIRATION: milliseconds(expires)})
        assert await oversight.look(NOON) == timedelta(seconds=3)
        assert ends.reasons == {}
        await oversight.look(expires)
        assert ends.reasons == {agreement.id: "Expired"}
        assert await oversight.look(expires) == LONGEST_PAUSE


async def test_an_agreement_without_activities_ends(tmp_path: Path) -> None:
    async with open_books(tmp_path) as books:
        ends = Ends(books)
        oversight = overseeing(books, ends)
        idle, busy, direct = await books.agree("1"), await books.agree("2"), await books.agree("3", offer_properties={})
        await books.activities.create("a" * 32, busy)
        await oversight.look(NOON + IDLE - timedelta(seconds=1))
        assert ends.reasons == {}
        await oversight.look(NOON + IDLE)
        assert ends.reasons == {idle.id: "NoActivity"}
        await books.activities.destroy("a" * 32, "enough")
        [activity] = await books.activity_repository.of_agreement(busy.id)
        assert activity.ended is not None
        await oversight.look(activity.ended + IDLE - timedelta(seconds=1))
        assert busy.id not in ends.reasons
        await oversight.look(activity.ended + IDLE)
        assert ends.reasons[busy.id] == "NoActivity"
        assert direct.id not in ends.reasons


async def test_an_end_that_comes_from_both_sides(tmp_path: Path) -> None:
    async with open_books(tmp_path) as books:
        await books.agree()
        await overseeing(books, Ends(books, refuse=True)).look(NOON + IDLE)


async def created(books: Books, activity_id: str) -> datetime:
    stored = await books.activity_repository.find(activity_id)
    assert stored is not None
    return stored.created


async def test_debit_notes_come_by_the_agreed_interval_and_no_sooner(tmp_path: Path) -> None:
    async with open_books(tmp_path) as books:
        oversight = overseeing(books, Ends(books))
        agreed = {DEBIT_NOTE_INTERVAL: 120}
        await books.activities.create(
            "a" * 32, await books.agree(offer_properties=PRICES | agreed, demand_properties=agreed)
        )
        began = await created(books, "a" * 32)
        seconds = [119, 120, 121, 239, 245, 364, 365]
        counts = []
        for second in seconds:
            await oversight.look(began + timedelta(seconds=second))
            counts.append(len(books.payments.debit_notes))
        assert counts == [0, 1, 1, 1, 2, 2, 3]
        activity_id, amount, usage = books.payments.debit_notes[0]
        assert (activity_id, amount, len(usage)) == ("a" * 32, Decimal("1.5"), 2)
        await books.activities.destroy("a" * 32, "enough")
        await oversight.look(began + timedelta(hours=1))
        assert len(books.payments.debit_notes) == 3


async def test_no_debit_notes_where_none_are_agreed(tmp_path: Path) -> None:
    async with open_books(tmp_path) as books:
        oversight = overseeing(books, Ends(books))
        await books.activities.create("a" * 32, await books.agree(demand_properties={DEBIT_NOTE_INTERVAL: 120}))
        await oversight.look(await created(books, "a" * 32) + timedelta(hours=1))
        assert books.payments.debit_notes == []


async def test_usage_is_noted_for_the_case_that_the_daemon_is_killed(tmp_path: Path) -> None:
    async with open_books(tmp_path) as books:
        oversight = overseeing(books, Ends(books))
        await books.activities.create("a" * 32, await books.agree())
        seen = []
        for second in (0, 29, 30):
            await oversight.look(NOON + timedelta(seconds=second))
            [activity] = await books.activity_repository.of_agreement("1" * 64)
            seen.append(activity.usage)
        assert seen[0].keys() == seen[2].keys() != set()
        assert seen[0] == seen[1] != seen[2]
