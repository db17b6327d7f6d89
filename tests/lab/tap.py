"""Somebody in the network between two machines, who reads all frames of a wire and may put others on it."""

import socket
import struct
import threading
from time import monotonic, sleep
from types import TracebackType
from typing import Self

from tests.lab.namespace import Namespace

EVERYTHING = 0x0003
"""ETH_P_ALL, of linux/if_ether.h."""
PATIENCE = 10.0
POLL = 0.05
IP = 14
UDP = IP + 20
PAYLOAD = UDP + 8
LARGEST = 65_536


class Tap:
    """Keeps the frames that go through an interface."""

    def __init__(self, namespace: Namespace, interface: str) -> None:
        self.frames: list[bytes] = []
        self._socket = namespace.call(socket.socket, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERYTHING))
        self._socket.bind((interface, EVERYTHING))
        self._socket.settimeout(POLL)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def send(self, frame: bytes) -> None:
        """Puts a frame on the wire, away from this end."""
        self._socket.send(frame)

    def datagrams(self, address: str, port: int, payload: int) -> list[bytes]:
        """Gives the frames with UDP to an IPv4 address and port whose payload has this length; waits for one.

        Raises:
            AssertionError: there is none.
        """
        head = socket.inet_aton(address), struct.pack("!HH", port, payload + PAYLOAD - UDP)
        deadline = monotonic() + PATIENCE
        while monotonic() < deadline:
            found = [frame for frame in self.frames if (frame[UDP - 4 : UDP], frame[UDP + 2 : UDP + 6]) == head]
            if found:
                return found
            sleep(POLL)
        raise AssertionError(f"no datagram of {payload} bytes came by for {address}:{port}")

    def _read(self) -> None:
        while not self._ended.is_set():
            try:
                self.frames.append(self._socket.recv(LARGEST))
            except TimeoutError:
                continue


def with_payload(frame: bytes, payload: bytes) -> bytes:
    """Gives a frame whose UDP payload is replaced by another of the same length, without a checksum."""
    assert len(frame) == PAYLOAD + len(payload)
    return frame[: PAYLOAD - 2] + b"\0\0" + payload
