"""The process that holds the network namespaces in which the gate uses the kernel's TCP/IP."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import structlog

from golem_vpn import _native
from golem_vpn.errors import RuntimeUnavailable
from golem_vpn.native_process import start_native_process
from golem_vpn.net.native_dataplane import Namespaces
from golem_vpn.tun_device import tun_device_node

_log = structlog.get_logger(__name__)


class StackHelper:
    """One such process, which ends when nothing needs its namespaces any more, or with this daemon."""

    def __init__(self) -> None:
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        node = str(tun_device_node())
        with near, far:
            self._process = start_native_process("stack_helper_main", far.fileno(), node)
            self._started = Namespaces.start(near.fileno(), node)

    async def namespaces(self) -> Namespaces:
        """Waits until the process has found out whether it can do its work.

        Raises:
            RuntimeUnavailable: the machine does not allow it.
        """
        try:
            return await self._started
        except _native.NativeError as error:
            raise RuntimeUnavailable(str(error)) from error

    def end(self) -> None:
        """Ends the process, and waits for it."""
        self._started.cancel()
        self._process.kill()
        self._process.wait()


@contextmanager
def stack_helper() -> Iterator[StackHelper]:
    """Runs one; must be entered in a running event loop."""
    helper = StackHelper()
    try:
        yield helper
    finally:
        helper.end()


class StackHelpers:
    """The helper of a daemon, and another one in the place of one that died."""

    def __init__(self) -> None:
        self._helper = StackHelper()
        self._present: Namespaces | None = None
        self._is_refused = False
        self._turn = anyio.Lock()

    async def namespaces(self) -> Namespaces | None:
        """Gives the namespaces, or nothing where the machine allows none, as the log then says."""
        async with self._turn:
            if self._present is None and not self._is_refused:
                try:
                    self._present = await self._helper.namespaces()
                except RuntimeUnavailable as error:
                    self._is_refused = True
                    _log.warning("gate.user_space", cause=error.message, cure="see golem-vpn doctor")
            return self._present

    async def renew(self, lost: Namespaces) -> None:
        """Starts another helper, unless that has happened since these namespaces were lost."""
        async with self._turn:
            if self._present is lost:
                _log.error("gate.helper_lost", consequence="the connections of all gates end")
                self._helper.end()
                self._helper, self._present = StackHelper(), None

    def end(self) -> None:
        """Ends the helper."""
        self._helper.end()
