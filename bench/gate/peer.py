"""The program behind the gate, `python peer.py PORT`: takes or gives bytes for a while, as each connection asks.

A connection begins with a line: `take` or `give`, how many seconds, and the congestion control of this end, or `-`.
`take` is answered by how many bytes came in that time, counted from the first one.
"""

import contextlib
import socket
import sys
import threading
import time

SIZE = 1 << 16
PATIENCE = 30.0


def main() -> None:
    """Serves until it is ended."""
    with socket.create_server(("", int(sys.argv[1])), backlog=256) as server:
        print("listening", flush=True)
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_serve, args=(connection,), daemon=True).start()


def _serve(connection: socket.socket) -> None:
    connection.settimeout(PATIENCE)
    with connection, contextlib.suppress(OSError):
        wish, seconds, control = _line(connection).split()
        if control != "-":
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, control.encode())
        if wish == "take":
            _take(connection, float(seconds))
        else:
            _give(connection, float(seconds))


def _line(connection: socket.socket) -> str:
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            raise ConnectionAbortedError
        line += byte
    return line.decode()


def _take(connection: socket.socket, seconds: float) -> None:
    buffer = bytearray(SIZE)
    count = connection.recv_into(buffer)
    end = time.monotonic() + seconds
    while time.monotonic() < end and (length := connection.recv_into(buffer)):
        count += length
    connection.sendall(b"%d\n" % count)
    connection.shutdown(socket.SHUT_WR)
    while connection.recv_into(buffer):
        pass


def _give(connection: socket.socket, seconds: float) -> None:
    block = bytes(SIZE)
    # Longer than asked for: whoever counts begins with the first byte that it gets.
    end = time.monotonic() + seconds + 5
    while time.monotonic() < end:
        connection.sendall(block)


main()
