import pytest

from golem_vpn.errors import NotFound
from golem_vpn.exeunit.batches import MAX_KEPT, MAX_KEPT_BYTES, Batches
from golem_vpn.exeunit.outputs import Outputs
from golem_vpn.exeunit.runtimes.base import Stream
from golem_vpn.exeunit.script import Command, Sign

pytestmark = pytest.mark.anyio


async def write_much(command: Command, outputs: Outputs) -> None:
    outputs.write(Stream.STDOUT, b"x" * 250_000)


async def do_nothing(command: Command, outputs: Outputs) -> None:
    pass


async def test_the_oldest_ended_batches_are_forgotten_when_there_are_many() -> None:
    batches = Batches()
    running = batches.add("running", [Sign()])
    for number in range(MAX_KEPT + 2):
        await batches.add(f"{number}", [Sign()]).execute(do_nothing)
    assert "0" not in batches
    with pytest.raises(NotFound, match="no batch 0; results of old batches are not kept"):
        batches.find("0")
    assert batches.find(f"{MAX_KEPT + 1}").finished
    assert batches.find("running") is running


async def test_or_when_they_are_large() -> None:
    batches = Batches()
    added = []
    for number in range(MAX_KEPT_BYTES // 250_000):
        added.append(batches.add(f"{number}", [Sign()]))
        await added[-1].execute(write_much)
    kept = [batch for batch in added if batch.id in batches]
    assert kept == added[-len(kept) :]
    assert MAX_KEPT_BYTES * 0.9 < sum(batch.size for batch in kept) < MAX_KEPT_BYTES * 1.1
