"""Which handler answers which message, and what a sender hears when none does or it fails."""

from collections import Counter
from collections.abc import Awaitable, Callable
from functools import reduce
from operator import or_
from typing import Any, TypeVar

import anyio
import structlog

from golem_vpn.errors import GolemVpnError, InvalidInput
from golem_vpn.net import wire
from golem_vpn.net.codec import Malformed, Reader

M = TypeVar("M", bound=wire.Message)
Handler = Callable[[str, M], Awaitable[object]]

MAX_RUNNING = 1024
MAX_RUNNING_PER_SENDER = 128

_log = structlog.get_logger(__name__)


class Dispatcher:
    """Finds the handler of a message by its type."""

    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()
        """How many requests were refused, by reason."""
        self._handlers: dict[type[wire.Message], Handler[Any]] = {}
        self._reader: Reader[wire.Message] | None = None
        self._running: Counter[str] = Counter()
        self._registered: anyio.Event | None = None

    def expect_handlers(self) -> None:
        """Says that handlers are yet to come: until `have_handlers`, a message that has none waits for it.

        To say that it is unknown would let its sender give it up for good.
        """
        self._registered = anyio.Event()

    def have_handlers(self) -> None:
        """Says that no more handlers are to come."""
        if self._registered is not None:
            self._registered.set()
            self._registered = None

    def on(self, message_type: type[M]) -> Callable[[Handler[M]], Handler[M]]:
        """Registers the decorated function as the handler of a message type."""

        def register(handler: Handler[M]) -> Handler[M]:
            if message_type in self._handlers:
                raise ValueError(f"{message_type.__name__} has a handler already")
            self._handlers[message_type] = handler
            self._reader = None
            return handler

        return register

    async def answer(self, sender: str, request: bytes) -> bytes:
        """Gives the reply to a request: the handler's answer, or a refusal."""
        if self._running[sender] >= MAX_RUNNING_PER_SENDER or self._running.total() >= MAX_RUNNING:
            return self.refuse(wire.BUSY, "too many requests at once; try again later")
        self._running[sender] += 1
        try:
            return wire.encode_answer(await self._handle(sender, request))
        except GolemVpnError as error:
            return self.refuse(wire.reason_of(error), error.message)
        except Exception:
            _log.exception("control.handler_failed", sender=sender)
            return self.refuse(wire.FAILED, "internal error of the other node")
        finally:
            self._running[sender] -= 1
            if not self._running[sender]:
                del self._running[sender]

    def refuse(self, reason: str, message: str) -> bytes:
        """Gives a refusal, and counts it."""
        self.refused[reason] += 1
        return wire.encode_refusal(reason, message)

    async def _handle(self, sender: str, request: bytes) -> object:
        try:
            message = self._decode(request)
        except InvalidInput:
            if self._registered is None:
                raise
            await self._registered.wait()
            message = self._decode(request)
        return await self._handlers[type(message)](sender, message)

    def _decode(self, request: bytes) -> wire.Message:
        if not self._handlers:
            raise InvalidInput("this node answers no messages")
        if self._reader is None:
            self._reader = Reader(reduce(or_, self._handlers))
        try:
            return self._reader.read(request)
        except Malformed as error:
            raise InvalidInput(f"unknown or malformed message: {error}") from None
