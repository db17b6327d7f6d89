"""A batch: the commands of one script, run one after the other, and what came of each.

The batches of an activity run beside each other, so a server may fill one batch while others go on. Within a batch the
first error is the end. Whoever waits for results is woken by the change of `_changed`, an event that is used once.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import anyio
import structlog

from golem_vpn.errors import GolemVpnError
from golem_vpn.exeunit.events import Aspect, EventLog, Finished, Started
from golem_vpn.exeunit.outputs import Outputs
from golem_vpn.exeunit.results import CommandResult, Outcome
from golem_vpn.exeunit.runtimes.base import Stream
from golem_vpn.exeunit.script import Command
from golem_vpn.moments import RisingClock

BATCH_OUTPUT_LIMIT = 8 * 1024 * 1024
"""How many bytes of output all entries of a batch keep together."""

log = structlog.get_logger()


class CommandFailed(GolemVpnError):
    """The command ran and reported a failure, such as an exit code other than zero."""

    def __init__(self, message: str, return_code: int = 1) -> None:
        super().__init__(message)
        self.return_code = return_code


Perform = Callable[[Command, Outputs], Awaitable[None]]
"""Does one command; raises an error of the tree where it fails."""


OnNews = Callable[[Aspect], None]
"""Hears that a batch has another result or event."""


def _tell_nobody(_aspect: Aspect) -> None: ...


class Batch:
    """One script on its way."""

    def __init__(
        self, batch_id: str, commands: Sequence[Command], clock: RisingClock, on_news: OnNews = _tell_nobody
    ) -> None:
        self.id = batch_id
        self._commands = commands
        self._clock = clock
        self._on_news = on_news
        self._results: list[CommandResult] = []
        self._results_size = 0
        self.events = EventLog(clock, partial(on_news, Aspect.EVENTS))
        self._changed = anyio.Event()
        self._scope = anyio.CancelScope()
        self._cancelled_because: str | None = None
        self._ended = anyio.Event()

    @property
    def finished(self) -> bool:
        """Says whether the last entry is there."""
        return bool(self._results) and self._results[-1].is_batch_finished

    @property
    def size(self) -> int:
        """Tells how many bytes the entries and events take, for whoever keeps many batches."""
        return self._results_size + self.events.size

    @property
    def running(self) -> Command | None:
        """Gives the command that runs at the moment."""
        return None if self.finished else self._commands[len(self._results)]

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
        outputs = Outputs.of_command(command, partial(self.events.add, index))
        self.events.add(index, Started.of_command(command))
        try:
            await anyio.lowlevel.checkpoint()
            await perform(command, outputs)
        except CommandFailed as error:
            self._record(index, outputs, error.message, error.return_code)
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

    def _record(self, index: int, outputs: Outputs, failure: str | None, return_code: int = 1) -> None:
        outputs.finish()
        entry = CommandResult(
            index=index,
            event_date=self._clock.next(),
            result=Outcome.OK if failure is None else Outcome.ERROR,
            stdout=outputs.kept(Stream.STDOUT),
            stderr=outputs.kept(Stream.STDERR),
            message="; ".join(filter(None, (failure, outputs.notice))) or None,
            is_batch_finished=failure is not None or index == len(self._commands) - 1,
        )
        if self._results_size + entry.size > BATCH_OUTPUT_LIMIT:
            entry = entry.without_output(f"the batch's results hold {BATCH_OUTPUT_LIMIT >> 20} MiB already")
        self._results_size += entry.size
        self._results.append(entry)
        self._on_news(Aspect.RESULTS)
        self.events.add(index, Finished(0 if failure is None else return_code, entry.message))
        self._changed.set()
        self._changed = anyio.Event()
