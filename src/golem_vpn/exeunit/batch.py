"""A batch: the commands of one script, run one after the other, and what came of each.

The batches of an activity run beside each other, so a server may fill one batch while others go on. Within a batch the
first error is the end. Whoever waits for results is woken by the change of `_changed`, an event that is used once.
"""

from collections.abc import Awaitable, Callable, Sequence

import anyio
import structlog

from golem_vpn.errors import GolemVpnError
from golem_vpn.exeunit.capture import WHOLE, Capture, OutputBuffer
from golem_vpn.exeunit.results import CommandResult, Outcome, Output
from golem_vpn.exeunit.runtimes.base import Stream
from golem_vpn.exeunit.script import Command, Run
from golem_vpn.moments import RisingClock

BATCH_OUTPUT_LIMIT = 8 * 1024 * 1024
"""How many bytes of output all entries of a batch keep together."""

log = structlog.get_logger()


class CommandFailed(GolemVpnError):
    """The command ran and reported a failure, such as an exit code other than zero."""


class Outputs:
    """The outputs of the command that runs at the moment, as far as they were asked for."""

    def __init__(self, capture: Capture) -> None:
        self.stdout = None if capture.stdout is None else OutputBuffer(capture.stdout)
        self.stderr = None if capture.stderr is None else OutputBuffer(capture.stderr)

    @classmethod
    def of_command(cls, command: Command) -> "Outputs":
        """Keeps what a `run` asks for, and all of what other commands have to say."""
        if isinstance(command, Run):
            return cls(command.capture or Capture())
        return cls(Capture(stdout=WHOLE, stderr=WHOLE))

    def write(self, stream: Stream, data: bytes) -> None:
        """Takes the next bytes of one output."""
        buffer = self.stdout if stream is Stream.STDOUT else self.stderr
        if buffer is not None:
            buffer.write(data)

    @property
    def notice(self) -> str | None:
        """Names the outputs that were longer than what can be kept."""
        named = (("stdout", self.stdout), ("stderr", self.stderr))
        cut = [f"{name} was cut to {len(buffer.value)} bytes" for name, buffer in named if buffer and buffer.cut]
        return "; ".join(cut) or None


Perform = Callable[[Command, Outputs], Awaitable[None]]
"""Does one command; raises an error of the tree where it fails."""


class Batch:
    """One script on its way."""

    def __init__(self, batch_id: str, commands: Sequence[Command], clock: RisingClock) -> None:
        self.id = batch_id
        self.size = 0
        """How many bytes the entries take, for whoever keeps many batches."""
        self._commands = commands
        self._clock = clock
        self._results: list[CommandResult] = []
        self._changed = anyio.Event()
        self._scope = anyio.CancelScope()
        self._cancelled_because: str | None = None
        self._ended = anyio.Event()

    @property
    def finished(self) -> bool:
        """Says whether the last entry is there."""
        return bool(self._results) and self._results[-1].is_batch_finished

    async def execute(self, perform: Perform) -> None:
        """Runs the commands in order, up to the first that fails."""
        try:
            with self._scope:
                for index, command in enumerate(self._commands):
                    await self._execute_one(index, command, perform)
                    if self.finished:
                        break
        finally:
            self._ended.set()

    async def cancel(self, reason: str) -> None:
        """Ends the running command with an error, waits until it is gone, and runs no further one."""
        if self._cancelled_because is None:
            self._cancelled_because = reason
            self._scope.cancel()
        await self._ended.wait()

    async def results(self, first: int = 0, *, wait_for: int | None = None, timeout: float = 0) -> list[CommandResult]:
        """Gives the entries from index `first` on, once that of `wait_for` (else `first`) is there or time is over."""
        last_awaited = first if wait_for is None else wait_for
        with anyio.move_on_after(timeout):
            while len(self._results) <= last_awaited and not self.finished:
                await self._changed.wait()
        return self._results[first:]

    async def _execute_one(self, index: int, command: Command, perform: Perform) -> None:
        outputs = Outputs.of_command(command)
        try:
            await anyio.lowlevel.checkpoint()
            await perform(command, outputs)
        except GolemVpnError as error:
            self._record(index, outputs, error.message)
        except anyio.get_cancelled_exc_class():
            self._record(index, outputs, self._cancelled_because or "the provider's daemon is shutting down")
            raise
        except Exception:
            log.exception("a command failed unexpectedly", batch_id=self.id, command=command.name)
            self._record(index, outputs, "internal error of the provider")
        else:
            self._record(index, outputs, None)

    def _record(self, index: int, outputs: Outputs, failure: str | None) -> None:
        entry = CommandResult(
            index=index,
            event_date=self._clock.next(),
            result=Outcome.OK if failure is None else Outcome.ERROR,
            stdout=Output.of_buffer(outputs.stdout),
            stderr=Output.of_buffer(outputs.stderr),
            message="; ".join(filter(None, (failure, outputs.notice))) or None,
            is_batch_finished=failure is not None or index == len(self._commands) - 1,
        )
        if self.size + entry.size > BATCH_OUTPUT_LIMIT:
            entry = entry.without_output(f"the batch's results hold {BATCH_OUTPUT_LIMIT >> 20} MiB already")
        self.size += entry.size
        self._results.append(entry)
        self._changed.set()
        self._changed = anyio.Event()
