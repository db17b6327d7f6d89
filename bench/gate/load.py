"""The program before the gate, `python load.py TARGET …`: uploads or downloads for a while, and prints how many bytes
the receiving end counted.

Frames are made beforehand and masked with zeros, so that what is measured is not this program.
"""

import argparse
import contextlib
import os
import socket
import struct
import threading
import time
from base64 import b64encode
from urllib.parse import urlsplit

BLOCK = 1 << 16
PATIENCE = 30.0
PONG = b"\x8a\x80" + bytes(4)
PONG_SECONDS = 2.0
LENGTH_16, LENGTH_64 = 126, 127


def main() -> None:
    """Runs one connection."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", help="ws://… or tcp://HOST:PORT")
    parser.add_argument("direction", choices=["up", "down"])
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--control", default="-", help="congestion control of the sending end, where it is a kernel's")
    options = parser.parse_args()
    run = _upload if options.direction == "up" else _download
    print(run(_connect(options.target), options))


class Connection:
    """A TCP connection, perhaps with a websocket on it."""

    def __init__(self, stream: socket.socket, *, is_websocket: bool) -> None:
        self.stream = stream
        self._is_websocket = is_websocket
        self._remaining = 0
        self._header = b""

    def framed(self, message: bytes) -> bytes:
        """Gives the bytes that carry a message."""
        if not self._is_websocket:
            return message
        if len(message) < LENGTH_16:
            return struct.pack("!BB4x", 0x82, 0x80 | len(message)) + message
        if len(message) < 1 << 16:
            return struct.pack("!BBH4x", 0x82, 0x80 | LENGTH_16, len(message)) + message
        return struct.pack("!BBQ4x", 0x82, 0x80 | LENGTH_64, len(message)) + message

    def data(self, chunk: memoryview) -> int:
        """Counts the bytes of messages in what was received; what follows continues where it ended."""
        if not self._is_websocket:
            return len(chunk)
        count = position = 0
        while position < len(chunk):
            if self._remaining:
                taken = min(self._remaining, len(chunk) - position)
                self._remaining -= taken
                position += taken
                count += taken
                continue
            self._header += bytes(chunk[position : position + 1])
            position += 1
            if (length := _length(self._header)) is not None:
                # Control frames of a gate that is at work are pings without a body.
                self._remaining, self._header = length, b""
        return count

    def pong(self) -> None:
        """Shows that somebody is there."""
        if self._is_websocket:
            self.stream.sendall(PONG)


def _length(header: bytes) -> int | None:
    """The length of the body behind a header; nothing while the header is not whole."""
    if len(header) < 2:
        return None
    wanted = {LENGTH_16: 2, LENGTH_64: 8}.get(header[1], 0)
    if len(header) < 2 + wanted:
        return None
    return int.from_bytes(header[2:], "big") if wanted else header[1]


def _connect(target: str) -> Connection:
    url = urlsplit(target)
    stream = socket.create_connection((url.hostname, url.port), timeout=PATIENCE)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if url.scheme == "tcp":
        return Connection(stream, is_websocket=False)
    key = b64encode(os.urandom(16)).decode()
    stream.sendall(
        f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += stream.recv(1)
        if len(head) == 0:
            break
    if b" 101 " not in head.partition(b"\r\n")[0]:
        raise SystemExit(f"no gate: {head.decode(errors='replace')}")
    return Connection(stream, is_websocket=True)


def _upload(connection: Connection, options: argparse.Namespace) -> int:
    stream = connection.stream
    if options.control != "-":
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, options.control.encode())
    stream.sendall(connection.framed(f"take {options.seconds} -\n".encode()))
    block = connection.framed(bytes(BLOCK))
    answered = threading.Event()

    def send() -> None:
        with contextlib.suppress(OSError):
            while not answered.is_set():
                stream.sendall(block)

    sender = threading.Thread(target=send)
    sender.start()
    answer = _answer(connection)
    answered.set()
    # Ends a send that waits, which only a reset does.
    stream.shutdown(socket.SHUT_RDWR)
    sender.join()
    stream.close()
    return answer


def _answer(connection: Connection) -> int:
    """Reads the number that the other end tells: the only message, in one frame."""
    received = b""
    connection.stream.settimeout(PATIENCE)
    while not received.endswith(b"\n"):
        chunk = connection.stream.recv(1 << 12)
        if not chunk:
            raise ConnectionResetError("the connection ended without an answer")
        received += chunk
    return int(bytes(byte for byte in received if 0x30 <= byte <= 0x39))


def _download(connection: Connection, options: argparse.Namespace) -> int:
    stream = connection.stream
    stream.sendall(connection.framed(f"give {options.seconds} {options.control}\n".encode()))
    buffer = memoryview(bytearray(1 << 18))
    count = connection.data(buffer[: stream.recv_into(buffer)])
    now = time.monotonic()
    end, next_pong = now + options.seconds, now + PONG_SECONDS
    while (now := time.monotonic()) < end:
        if now >= next_pong:
            connection.pong()
            next_pong = now + PONG_SECONDS
        length = stream.recv_into(buffer)
        if not length:
            raise ConnectionResetError("the connection ended early")
        count += connection.data(buffer[:length])
    stream.close()
    return count


main()
