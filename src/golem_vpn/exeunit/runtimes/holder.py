"""The sandbox process of one activity: starting it, asking it, and its end."""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Sequence
from itertools import count
from typing import Any

import anyio

from golem_vpn.errors import GolemVpnError, InvalidInput, RuntimeEnded, RuntimeUnavailable
from golem_vpn.exeunit.runtimes.base import Interface, OutputHandler, Stream
from golem_vpn.exeunit.runtimes.messages import (
    MAX_LENGTH,
    Done,
    Exited,
    Failed,
    Ready,
    Refused,
    Reply,
    Setup,
    decode_reply,
    encode_kill,
    encode_run,
    encode_set_addresses,
)
from golem_vpn.exeunit.runtimes.output import Output
from golem_vpn.native_process import Process, start_native_process

MAX_DESCRIPTORS = 3
"""What the sandbox sends: that of its network interface, if it has one, and those of its namespaces."""
_PATIENCE = 5.0
"""Seconds for the process to end by itself, which it does at once unless the kernel is in trouble."""


class SetupFailed(RuntimeUnavailable):
    """The machine did not allow what a sandbox needs. `golem-vpn doctor` names the cause and the cure."""

    def __init__(self, failure: Failed) -> None:
        super().__init__(failure.text)
        self.failure = failure


class Holder:
    """One sandbox process, whose end is the end of all that runs inside."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket, child = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MAX_LENGTH)
        self._numbers = count(1)
        self._ready: asyncio.Future[int | None] = self._loop.create_future()
        self._end: asyncio.Future[str] = self._loop.create_future()
        self._answers: dict[int, asyncio.Future[int]] = {}
        self._outputs: list[Output] = []
        self._descriptors: list[int] = []
        with child:
            self._process = _start(child.fileno())
        self._loop.add_reader(self._socket, self._on_readable)

    @property
    def process_id(self) -> int:
        """The outer process, of which all others are descendants."""
        return self._process.pid

    @property
    def spaces(self) -> tuple[int, int]:
        """Descriptors of the namespaces of users and of mounts, by which others can enter them.

        Raises:
            RuntimeEnded: the sandbox is gone.
        """
        if self._socket.fileno() < 0:
            raise self._ended()
        users, mounts = self._descriptors[-2:]
        return users, mounts

    async def set_up(self, setup: Setup) -> int | None:
        """Makes the surroundings and gives the descriptor of their interface, which is closed with this object.

        Raises:
            SetupFailed: the machine does not allow it.
        """
        await self._send(setup.encode())
        return await self._ready

    async def run(
        self,
        program: str,
        arguments: Sequence[str],
        environment: Sequence[tuple[str, str]],
        directory: str,
        on_output: OutputHandler,
    ) -> int:
        """Runs a program to its end; killed if this is cancelled."""
        number = next(self._numbers)
        message = encode_run(number, program, arguments, environment, directory)
        outputs = [Output(stream, on_output) for stream in (Stream.STDOUT, Stream.STDERR)]
        self._outputs = [output for output in self._outputs if output.is_open] + outputs
        nothing = os.open(os.devnull, os.O_RDONLY)
        try:
            end = await self._ask(number, message, (nothing, *(output.write_end for output in outputs)))
        finally:
            for descriptor in (nothing, *(output.write_end for output in outputs)):
                os.close(descriptor)
        try:
            return await asyncio.shield(end)
        except asyncio.CancelledError:
            await self._kill(number, end)
            raise
        finally:
            for output in outputs:
                output.finish()

    async def set_addresses(self, addresses: Sequence[Interface]) -> None:
        """Replaces the addresses of the interface."""
        number = next(self._numbers)
        await (await self._ask(number, encode_set_addresses(number, addresses)))

    async def ended(self) -> str:
        """Waits until the process ends, and says why it did."""
        return await asyncio.shield(self._end)

    async def close(self, reason: str = "the activity was stopped") -> None:
        """Ends all that runs inside, and waits until it has ended."""
        self._disconnect(RuntimeEnded(reason))
        await _wait_for_end(self._process)
        for output in self._outputs:
            output.close()
        while self._descriptors:
            os.close(self._descriptors.pop())

    async def _kill(self, number: int, end: "asyncio.Future[int]") -> None:
        with anyio.move_on_after(_PATIENCE, shield=True), contextlib.suppress(RuntimeEnded):
            await self._send(encode_kill(number))
            await end

    async def _ask(self, number: int, message: bytes, descriptors: Sequence[int] = ()) -> "asyncio.Future[int]":
        answer: asyncio.Future[int] = self._loop.create_future()
        self._answers[number] = answer
        try:
            await self._send(message, descriptors)
        except BaseException:
            del self._answers[number]
            raise
        return answer

    async def _send(self, message: bytes, descriptors: Sequence[int] = ()) -> None:
        if len(message) > MAX_LENGTH:
            raise _too_long()
        while True:
            try:
                socket.send_fds(self._socket, [message], descriptors)
            except BlockingIOError:
                await anyio.wait_writable(self._socket)
            except OSError as error:
                if error.errno == errno.EMSGSIZE:
                    raise _too_long() from error
                raise self._ended() from error
            else:
                return

    def _on_readable(self) -> None:
        try:
            message, descriptors, _, _ = socket.recv_fds(
                self._socket, MAX_LENGTH, MAX_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return
        except ConnectionError:
            message, descriptors = b"", []
        if message:
            self._take(decode_reply(message), descriptors)
        else:
            self._disconnect(self._ended())

    def _take(self, reply: Reply, descriptors: Sequence[int]) -> None:
        match reply:
            case Ready():
                self._descriptors.extend(descriptors)
                _settle(self._ready, descriptors[0] if len(descriptors) == MAX_DESCRIPTORS else None)
            case Failed():
                self._disconnect(SetupFailed(reply))
            case Exited(number, code):
                _settle(self._answers.pop(number), code)
            case Done(number):
                _settle(self._answers.pop(number), 0)
            case Refused(number, failure):
                _settle(self._answers.pop(number), RuntimeUnavailable(failure.text))

    def _ended(self) -> RuntimeEnded:
        return RuntimeEnded("the activity's sandbox has ended, and all that ran in it")

    def _disconnect(self, reason: GolemVpnError) -> None:
        """Closes the socket, at which the sandbox process ends, and tells everybody who waits for an answer."""
        if self._socket.fileno() < 0:
            return
        self._loop.remove_reader(self._socket)
        self._socket.close()
        futures: list[asyncio.Future[Any]] = [self._ready, *self._answers.values()]
        for future in futures:
            _settle(future, reason)
        self._answers.clear()
        _settle(self._end, reason.message)


def _settle(future: "asyncio.Future[Any]", outcome: object) -> None:
    """Tells whoever waits; perhaps nobody does any more, which is not worth a warning."""
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
        future.exception()
    else:
        future.set_result(outcome)


def _too_long() -> InvalidInput:
    return InvalidInput("the command is too long, with its arguments and environment")


def _start(control: int) -> Process:
    """Starts the process from the event loop's own thread: it is killed when the thread that started it ends."""
    return start_native_process("sandbox_main", control, str(os.getpid()))


async def _wait_for_end(process: Process) -> None:
    """Waits for a process that is about to end, and takes over if it does not."""
    if process.returncode is not None:
        return
    descriptor = os.pidfd_open(process.pid)
    try:
        with anyio.move_on_after(_PATIENCE):
            await anyio.wait_readable(descriptor)
            process.wait()
            return
        process.kill()
        await anyio.wait_readable(descriptor)
        process.wait()
    finally:
        os.close(descriptor)
