from collections.abc import Awaitable, Callable

import anyio
import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.exeunit.batch import BATCH_OUTPUT_LIMIT, Batch, CommandFailed
from golem_vpn.exeunit.capture import OUTPUT_LIMIT
from golem_vpn.exeunit.outputs import Outputs
from golem_vpn.exeunit.results import Outcome
from golem_vpn.exeunit.runtimes.base import Stream
from golem_vpn.exeunit.script import Command, parse_script
from golem_vpn.moments import RisingClock

pytestmark = pytest.mark.anyio

Action = Callable[[Outputs], Awaitable[None]]


async def succeed(outputs: Outputs) -> None:
    outputs.write(Stream.STDOUT, b"out")
    outputs.write(Stream.STDERR, b"err")


async def fail(outputs: Outputs) -> None:
    outputs.write(Stream.STDOUT, b"half")
    raise CommandFailed("exited with code 3")


async def hang(outputs: Outputs) -> None:
    outputs.write(Stream.STDOUT, b"serving")
    await anyio.sleep_forever()


class Script:
    """A batch whose commands do what the actions say."""

    def __init__(
        self, *actions: Action, command: str = '{"run": {"entry_point": "x", "capture": {"stdout": {"stream": {}}}}}'
    ) -> None:
        self._actions = iter(actions)
        self.batch = Batch("b", parse_script(f"[{', '.join([command] * len(actions))}]"), RisingClock())

    async def perform(self, command: Command, outputs: Outputs) -> None:
        await next(self._actions)(outputs)

    async def execute(self) -> None:
        await self.batch.execute(self.perform)


async def test_commands_run_in_order_and_the_last_entry_ends_the_batch() -> None:
    script = Script(succeed, succeed)
    await script.execute()
    first, second = await script.batch.results()
    assert (first.index, first.result, first.is_batch_finished) == (0, Outcome.OK, False)
    assert (second.index, second.result, second.is_batch_finished) == (1, Outcome.OK, True)
    assert first.event_date < second.event_date
    assert script.batch.finished


async def test_the_first_error_stops_the_batch() -> None:
    script = Script(succeed, fail, succeed)
    await script.execute()
    _, last = await script.batch.results()
    assert (last.index, last.result, last.message, last.is_batch_finished) == (
        1,
        Outcome.ERROR,
        "exited with code 3",
        True,
    )
    assert last.stdout is not None
    assert last.stdout.data == b"half"


async def test_an_unforeseen_exception_is_an_error_of_the_command_alone() -> None:
    async def break_down(outputs: Outputs) -> None:
        raise ZeroDivisionError

    script = Script(break_down, succeed)
    await script.execute()
    [entry] = await script.batch.results()
    assert (entry.result, entry.message) == (Outcome.ERROR, "internal error of the provider")


async def test_run_keeps_what_it_asks_for_and_others_keep_all() -> None:
    run = Script(succeed)
    await run.execute()
    [entry] = await run.batch.results()
    assert entry.stdout is not None
    assert entry.stdout.data == b"out"
    assert entry.stderr is None

    start = Script(succeed, command='{"start": {}}')
    await start.execute()
    [entry] = await start.batch.results()
    assert entry.stderr is not None
    assert entry.stderr.data == b"err"


async def test_a_run_without_capture_discards_its_output() -> None:
    silent = Script(succeed, command='{"run": {"entry_point": "x"}}')
    await silent.execute()
    [entry] = await silent.batch.results()
    assert (entry.stdout, entry.stderr, entry.message) == (None, None, None)


async def test_the_message_says_what_was_cut() -> None:
    async def flood(outputs: Outputs) -> None:
        outputs.write(Stream.STDOUT, b"x" * (OUTPUT_LIMIT + 1))

    script = Script(flood)
    await script.execute()
    [entry] = await script.batch.results()
    assert (entry.result, entry.message) == (Outcome.OK, f"stdout was cut to {OUTPUT_LIMIT} bytes")


async def test_all_outputs_of_a_batch_together_are_bounded() -> None:
    async def write_much(outputs: Outputs) -> None:
        outputs.write(Stream.STDOUT, b"x" * OUTPUT_LIMIT)

    script = Script(*[write_much] * (BATCH_OUTPUT_LIMIT // OUTPUT_LIMIT + 2))
    await script.execute()
    entries = await script.batch.results()
    assert sum(entry.size for entry in entries) < BATCH_OUTPUT_LIMIT + 100_000
    assert entries[-1].result is Outcome.OK
    assert entries[-1].message == "the output was dropped: the batch's results hold 8 MiB already"


async def test_whoever_waits_is_woken_by_the_next_entry() -> None:
    go_on = anyio.Event()

    async def wait(outputs: Outputs) -> None:
        await go_on.wait()

    script = Script(succeed, wait)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(script.execute)
        assert [entry.index for entry in await script.batch.results(0, timeout=30)] == [0]
        tasks.start_soon(anyio.sleep, 0)
        go_on.set()
        assert [entry.index for entry in await script.batch.results(0, wait_for=1, timeout=30)] == [0, 1]


async def test_waiting_ends_with_the_time_or_with_the_batch() -> None:
    script = Script(fail, succeed)
    assert await script.batch.results(timeout=0.01) == []
    await script.execute()
    assert len(await script.batch.results(0, wait_for=1, timeout=30)) == 1
    assert await script.batch.results(1, timeout=30) == []


async def test_cancel_ends_the_running_command_with_an_error_and_starts_no_other() -> None:
    script = Script(succeed, hang, succeed)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(script.execute)
        await script.batch.results(timeout=30)
        await anyio.wait_all_tasks_blocked()
        await script.batch.cancel("the activity was destroyed")
        await script.batch.cancel("again")
    _, last = await script.batch.results()
    assert (last.index, last.message, last.is_batch_finished) == (1, "the activity was destroyed", True)
    assert last.stdout is not None
    assert last.stdout.data == b"serving"


async def test_a_batch_that_is_cancelled_before_it_begins_does_nothing() -> None:
    script = Script(succeed, succeed)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(script.batch.cancel, "too late")
        await anyio.lowlevel.checkpoint()
        tasks.start_soon(script.execute)
    [entry] = await script.batch.results()
    assert (entry.index, entry.result, entry.message) == (0, Outcome.ERROR, "too late")


async def test_outputs_of_commands_of_the_error_tree_are_messages() -> None:
    async def refuse(outputs: Outputs) -> None:
        raise InvalidInput("no such network")

    script = Script(refuse)
    await script.execute()
    [entry] = await script.batch.results()
    assert entry.message == "no such network"
