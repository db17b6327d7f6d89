import time
from pathlib import Path

import pytest

from golem_vpn.net.memory import MemoryWire
from golem_vpn.store.node_records import NodeRecordRepository
from tests.unit.net.kit import cluster, eventually_is

pytestmark = pytest.mark.anyio


async def issue_times(records: NodeRecordRepository) -> list[int]:
    return [record.issued_at for record in await records.all()]


async def test_a_restarted_node_is_the_same_with_a_newer_record(
    wire: MemoryWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cluster(wire, tmp_path) as nodes:
        first = await nodes.start("node")
        before = first.node.control.own_record.current().record
        stored = NodeRecordRepository(first.database)
        await eventually_is([before.issued_at], lambda: issue_times(stored))
        await nodes.kill(first)
        # The clock went back an hour meanwhile.
        now = time.time_ns()
        monkeypatch.setattr(time, "time_ns", lambda: now - 3600 * 10**9)
        after = (await nodes.start("node")).node.control.own_record.current().record
        assert after.node_id == before.node_id
        assert after.boot_id != before.boot_id
        assert after.issued_at > before.issued_at
