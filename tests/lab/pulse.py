"""A steady beat of datagrams to a machine that echoes them, to see for how long nothing comes through."""

import contextlib
import socket
import threading
from time import monotonic, sleep
from types import TracebackType
from typing import Self

from tests.lab.namespace import Namespace
from tests.lab.traffic import PORT

INTERVAL = 0.01
STEADY_SECONDS = 1.0
STEADY_SHARE = 0.5
"""The part of the beats that come back where a path stands; a rough one loses some."""
PATIENCE = 40.0


class Pulse:
    """Sends a datagram every 10 ms from a machine, and notes when echoes arrive."""

    def __init__(self, machine: Namespace, address: str) -> None:
        self._socket = machine.call(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(INTERVAL)
        self._address = address
        self._arrivals: list[float] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=work) for work in (self._send, self._receive)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._socket.close()

    def first_arrival(self) -> float:
        """Waits for the first echo and tells when it came.

        Raises:
            AssertionError: none came.
        """
        deadline = monotonic() + PATIENCE
        while not self._arrivals:
            assert monotonic() < deadline, f"nothing ever came through to {self._address}"
            sleep(INTERVAL)
        return self._arrivals[0]

    def last_arrival(self) -> float:
        """Tells when the latest echo came."""
        return self._arrivals[-1]

    def wait_steady(self) -> None:
        """Returns when echoes have come for a second.

        Raises:
            AssertionError: that does not happen.
        """
        began = monotonic()
        while monotonic() < began + PATIENCE:
            sleep(INTERVAL)
            since = monotonic() - STEADY_SECONDS
            recent = [arrival for arrival in self._arrivals[-int(STEADY_SECONDS / INTERVAL) :] if arrival > since]
            if since > began and len(recent) * INTERVAL > STEADY_SHARE * STEADY_SECONDS:
                return
        raise AssertionError(f"traffic to {self._address} does not go on after {PATIENCE:.0f} s")

    def longest_silence(self, since: float) -> float:
        """Tells for how many seconds at most no echo came since a moment."""
        moments = [since, *(arrival for arrival in self._arrivals if arrival > since)]
        return max(later - earlier for earlier, later in zip(moments, [*moments[1:], monotonic()], strict=True))

    def _send(self) -> None:
        beat = monotonic()
        while not self._ended.wait(max(0.0, beat - monotonic())):
            beat += INTERVAL
            # There may be no interface, no route, or no room at the moment.
            with contextlib.suppress(OSError):
                self._socket.sendto(b"beat", (self._address, PORT))

    def _receive(self) -> None:
        while not self._ended.is_set():
            try:
                self._socket.recv(100)
            except OSError:
                continue
            self._arrivals.append(monotonic())
