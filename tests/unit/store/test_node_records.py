import pytest

from golem_vpn.store.database import Database
from golem_vpn.store.node_records import NodeRecordRepository, StoredRecord

pytestmark = pytest.mark.anyio

ALICE = "0x" + "2" * 40
BOB = "0x" + "3" * 40


async def test_the_newest_record_is_kept(database: Database) -> None:
    records = NodeRecordRepository(database)
    for issued_at in (1, 3, 2):
        await records.change([StoredRecord(ALICE, issued_at, b"signed %d" % issued_at)], [])
    assert await records.all() == [StoredRecord(ALICE, 3, b"signed 3")]
    await records.change([StoredRecord(BOB, 1, b"signed")], [ALICE])
    assert await records.all() == [StoredRecord(BOB, 1, b"signed")]
    await records.change([], [BOB])
    assert await records.all() == []
