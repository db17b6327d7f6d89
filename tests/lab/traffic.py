"""What programs on attached machines send each other: TCP and UDP, echoed."""

import os
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.lab.namespace import Namespace

PORT = 7007
STREAM_BYTES = 200_000
DATAGRAM_SIZES = (16, 512, 1200)
ATTEMPTS = 40
PATIENCE = 0.5
STREAM_PATIENCE = 30.0


class _StreamEcho(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while chunk := self.request.recv(65_536):
            self.request.sendall(chunk)


class _DatagramEcho(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, answering = self.request
        answering.sendto(data, self.client_address)


class _StreamServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def echo(machine: Namespace) -> Iterator[None]:
    """Echoes TCP and UDP on a machine."""
    servers = [
        machine.call(_StreamServer, ("0.0.0.0", PORT), _StreamEcho),
        machine.call(socketserver.UDPServer, ("0.0.0.0", PORT), _DatagramEcho),
    ]
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,)) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()


def check_datagrams(machine: Namespace, address: str) -> None:
    """Has datagrams of several sizes echoed; each is sent again until it is, since wires may lose it.

    Raises:
        AssertionError: one was never echoed.
    """
    with machine.call(socket.socket, socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.connect((address, PORT))
        for size in DATAGRAM_SIZES:
            assert _echoed(client, os.urandom(size)), f"no datagram of {size} bytes was echoed by {address}"


def check_stream(machine: Namespace, address: str) -> None:
    """Has a stream echoed over one TCP connection, and compares.

    Raises:
        AssertionError: it came back otherwise, or not at all.
    """
    content = os.urandom(STREAM_BYTES)
    with machine.call(socket.socket) as client:
        client.settimeout(STREAM_PATIENCE)
        client.connect((address, PORT))
        sender = threading.Thread(target=_send, args=(client, content))
        sender.start()
        try:
            received = b"".join(iter(lambda: client.recv(65_536), b""))
        finally:
            sender.join()
    assert received == content


def _echoed(client: socket.socket, content: bytes) -> bool:
    for _ in range(ATTEMPTS):
        try:
            client.send(content)
            while (received := client.recv(65_536)) != content:
                # One of an earlier attempt comes late.
                assert len(received) <= max(DATAGRAM_SIZES)
            return True
        except OSError:
            continue
    return False


def _send(client: socket.socket, content: bytes) -> None:
    # The receiving side notices what is wrong, and tells.
    with suppress(OSError):
        client.sendall(content)
        client.shutdown(socket.SHUT_WR)
