from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import anyio
import pytest

from golem_vpn.errors import Conflict, GolemVpnError, InvalidInput, Overloaded
from golem_vpn.provider.settlement import Settlement
from golem_vpn.store.settlements import SettlementRepository
from tests.unit.provider.books import Books, open_books

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def settling(books: Books) -> AsyncIterator[Settlement]:
    """Settles in the background."""
    repository = SettlementRepository(books.database)
    one = Settlement(repository, books.activities, books.activity_repository, books.payments)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one.run)
        yield one
        tasks.cancel_scope.cancel()


async def settled(books: Books) -> None:
    repository = SettlementRepository(books.database)
    await books.payments.asked.wait()
    while await repository.outstanding():
        await anyio.sleep(0.01)


async def test_an_end_ends_the_activities_and_asks_for_what_they_cost(tmp_path: Path) -> None:
    async with open_books(tmp_path) as books, settling(books) as settlement:
        agreement = await books.agree()
        other = await books.agree("2")
        for digit in "ab":
            await books.activities.create(digit * 32, agreement)
        await books.activities.create("c" * 32, other)
        await books.end(agreement)
        settlement.wake()
        await settled(books)
        assert books.payments.invoices == [(agreement.id, ["a" * 32, "b" * 32], Decimal(3))]
        units = [books.activities.unit(digit * 32) for digit in "abc"]
        assert [unit is not None and unit.is_live for unit in units] == [False, False, True]


async def test_what_ended_before_the_daemon_did_is_settled_when_it_starts(tmp_path: Path) -> None:
    async with open_books(tmp_path) as books:
        agreement = await books.agree()
        await books.end(agreement)
        async with settling(books):
            await settled(books)
        assert books.payments.invoices == [(agreement.id, [], Decimal(0))]
        async with settling(books):
            await anyio.wait_all_tasks_blocked()
        assert len(books.payments.invoices) == 1


async def test_direct_hire_costs_nothing(tmp_path: Path) -> None:
    async with open_books(tmp_path) as books:
        await books.end(await books.agree(offer_properties={}))
        books.payments.asked.set()
        async with settling(books):
            await settled(books)
        assert books.payments.invoices == []


@pytest.mark.parametrize("failure", [Conflict("there is one"), InvalidInput("no platform")])
async def test_an_invoice_that_cannot_be_is_not_tried_again(failure: GolemVpnError, tmp_path: Path) -> None:
    async with open_books(tmp_path) as books:
        books.payments.failures.append(failure)
        await books.end(await books.agree())
        async with settling(books):
            await settled(books)
        assert books.payments.invoices == []


async def test_what_fails_for_now_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("golem_vpn.provider.settlement.RETRY_SECONDS", 0.01)
    async with open_books(tmp_path) as books:
        books.payments.failures.append(Overloaded("later"))
        await books.end(await books.agree())
        async with settling(books):
            await settled(books)
        assert len(books.payments.invoices) == 1
