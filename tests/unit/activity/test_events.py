import json
from typing import Any

import anyio
import pytest

from golem_vpn.activity import events as module
from golem_vpn.activity.events import EventReader
from golem_vpn.errors import NotFound
from golem_vpn.exeunit.events import BatchEvent, Finished, Started, Written
from tests.unit.provider.kit import Provider, Requestor, World

pytestmark = pytest.mark.anyio

BRING_UP: tuple[dict[str, Any], ...] = ({"deploy": {}}, {"start": {}})


def stream(text: str) -> dict[str, Any]:
    """Gives a command that runs a shell script and tells what it writes as it comes."""
    return {"run": {"entry_point": "/bin/sh", "args": ["-c", text], "capture": {"stdout": {"stream": {}}}}}


async def begin(alice: Requestor, bob: Provider, *commands: dict[str, Any]) -> tuple[str, str]:
    agreement = await alice.agreements.hire(alice.id, bob.id)
    activity_id = await alice.activities.create(alice.id, agreement.id)
    text = json.dumps([*BRING_UP, *commands])
    return activity_id, await alice.activities.exec(alice.id, activity_id, text)


async def until(reader: EventReader, kind: type[object]) -> list[BatchEvent]:
    """Reads on until there is an event of a kind."""
    events: list[BatchEvent] = []
    with anyio.fail_after(30):
        while not any(isinstance(event.kind, kind) for event in events):
            events += await reader.read(30)
    return events


async def rest(reader: EventReader) -> list[BatchEvent]:
    """Reads on until the end."""
    events: list[BatchEvent] = []
    with anyio.fail_after(30):
        while not reader.ended:
            events += await reader.read(30)
    return events


async def test_output_comes_while_the_command_runs(world: World) -> None:
    async with world.pair() as (alice, bob):
        activity_id, batch_id = await begin(alice, bob, stream("echo hello; while [ ! -e go ]; do sleep 0.01; done"))
        reader = await alice.activities.events(alice.id, activity_id, batch_id)
        while True:
            *_, last = await reader.read(30)
            if isinstance(last.kind, Written) and last.kind.output.data == b"hello\n":
                break
        [running] = await alice.activities.running(alice.id, activity_id)
        assert (running.batch_id, running.name, running.params[:2]) == (batch_id, "run", ["/bin/sh", "-c"])
        assert await reader.read(0) == []
        deployment = bob.runtimes[0].deployment
        assert deployment is not None
        await anyio.Path(deployment.work_dir, "go").touch()
        [finished] = await rest(reader)
        assert finished.kind == Finished(0, None)
        assert await reader.read(0) == []
        assert await alice.activities.running(alice.id, activity_id) == []


async def test_the_events_of_a_batch_that_has_ended(world: World) -> None:
    async with world.pair() as (alice, bob):
        activity_id, batch_id = await begin(alice, bob, stream("echo out; exit 3"), {"sign": {}})
        events = await rest(await alice.activities.events(alice.id, activity_id, batch_id))
        assert [event.id for event in events] == list(range(1, len(events) + 1))
        beginnings = [event.kind.command for event in events if isinstance(event.kind, Started)]
        assert [name for command in beginnings for name in command] == ["deploy", "start", "run"]
        assert events[-1].index == 2
        assert events[-1].kind == Finished(3, "ExeScript command exited with code 3")

        again = await alice.activities.events(alice.id, activity_id, batch_id, after=events[3].id)
        assert await rest(again) == events[4:]
        over = await alice.activities.events(alice.id, activity_id, batch_id, after=events[-1].id)
        assert await over.read(30) == []
        assert over.ended


async def test_more_events_than_fit_in_a_message(world: World) -> None:
    async with world.pair() as (alice, bob):
        activity_id, batch_id = await begin(alice, bob, stream("head -c 900000 /dev/zero | tr '\\0' x"))
        await alice.activities.results(alice.id, activity_id, batch_id, 30, command_index=2)
        events = await rest(await alice.activities.events(alice.id, activity_id, batch_id))
        written = [event.kind.output.data for event in events if event.index == 2 and isinstance(event.kind, Written)]
        assert sum(map(len, written)) == 900_000


async def test_a_stream_goes_on_across_a_lost_connection(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    async with world.pair() as (alice, bob):
        activity_id, batch_id = await begin(alice, bob, stream("echo hello"))
        reader = await alice.activities.events(alice.id, activity_id, batch_id)
        world.wire.cut(alice.node.endpoint, bob.node.endpoint)
        assert await reader.read(0.05) == []
        world.wire.mend(alice.node.endpoint, bob.node.endpoint)
        assert (await rest(reader))[-1].kind == Finished(0, None)


async def test_the_end_of_the_activity_is_the_end_of_its_streams(world: World) -> None:
    async with world.pair() as (alice, bob):
        activity_id, batch_id = await begin(alice, bob, stream("sleep 1000"))
        reader = await alice.activities.events(alice.id, activity_id, batch_id)
        await until(reader, Started)
        await alice.activities.destroy(alice.id, activity_id)
        *_, last = await rest(reader)
        assert isinstance(last.kind, Finished)
        assert last.kind.return_code == 1
        assert last.kind.message == "the activity was terminated: destroyed by the requestor"


async def test_events_of_no_batch(world: World) -> None:
    async with world.pair() as (alice, bob):
        activity_id, _ = await begin(alice, bob)
        reader = await alice.activities.events(alice.id, activity_id, "none")
        with pytest.raises(NotFound, match="no batch none"):
            await reader.read(0)
