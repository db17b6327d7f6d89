from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import msgspec
import pytest

from golem_vpn.net.book import RecordBook
from golem_vpn.net.memory import MemoryWire
from golem_vpn.net.record import KnownRecord, sign
from golem_vpn.net.records import KeptRecords, stored_form
from golem_vpn.store.database import Database
from golem_vpn.store.node_records import NodeRecordRepository, StoredRecord
from tests.unit.net.kit import Node, eventually_is, make_node

pytestmark = pytest.mark.anyio


@pytest.fixture
async def repository(tmp_path: Path) -> AsyncIterator[NodeRecordRepository]:
    database = Database(tmp_path / "golem-vpn.db")
    await database.open()
    yield NodeRecordRepository(database)
    await database.close()


@asynccontextmanager
async def running(records: KeptRecords) -> AsyncIterator[None]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(records.run)
        yield
        tasks.cancel_scope.cancel()


def reissued(node: Node, later: int) -> KnownRecord:
    record = msgspec.structs.replace(node.record, issued_at=node.record.issued_at + later)
    return sign(record, node.control.identities)


async def test_needed_records_outlive_the_daemon(
    wire: MemoryWire, tmp_path: Path, repository: NodeRecordRepository
) -> None:
    needed, other = make_node(wire, tmp_path, "needed"), make_node(wire, tmp_path, "other")
    book = RecordBook()
    records = KeptRecords(book, repository)
    async with running(records):
        records.keep("hub", needed.id)
        records.keep("peers", needed.id)
        book.learn(reissued(needed, 1).signed)
        book.learn(reissued(other, 1).signed)
        book.learn(reissued(needed, 2).signed)
        await eventually_is([stored_form(reissued(needed, 2))], repository.all)
        records.release("hub", needed.id)
        book.learn(reissued(needed, 3).signed)
        await eventually_is([stored_form(reissued(needed, 3))], repository.all)
        recalled = RecordBook()
        await KeptRecords(recalled, repository).open()
        assert recalled.find(needed.id) == reissued(needed, 3)
        records.release("peers", needed.id)
        nothing: list[StoredRecord] = []
        await eventually_is(nothing, repository.all)


async def test_a_damaged_record_does_not_keep_the_daemon_from_starting(
    wire: MemoryWire, tmp_path: Path, repository: NodeRecordRepository
) -> None:
    node = make_node(wire, tmp_path, "node")
    await repository.change([StoredRecord("0x" + "0" * 40, 1, b"garbage"), stored_form(reissued(node, 0))], [])
    book = RecordBook()
    await KeptRecords(book, repository).open()
    assert book.find(node.id) is not None
