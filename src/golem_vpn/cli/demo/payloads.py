"""The programs that the demo runs on its providers: small Python scripts, so that no image is needed."""

import sys
from pathlib import Path

HTTP_PORT = 8000
UDP_PORT = 9000
BULK_PORT = 9001
BULK_SECONDS = 2.0
GREETING = "hello from a payload"

HTTP_SERVER = f"""
import http.server
class Greeting(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = {GREETING.encode()!r}
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("", {HTTP_PORT}), Greeting).serve_forever()
"""

HTTP_CLIENT = f"""
import sys, time, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
for attempt in range(50):
    try:
        print(opener.open(f"http://{{sys.argv[1]}}:{HTTP_PORT}/", timeout=2).read().decode())
        break
    except OSError:
        time.sleep(0.1)
else:
    sys.exit("nothing answered")
"""

UDP_ECHO = f"""
import socket
echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
echo.bind(("", {UDP_PORT}))
while True:
    echo.sendto(*echo.recvfrom(65535))
"""

UDP_CLIENT = f"""
import socket, sys
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(0.2)
for attempt in range(25):
    client.sendto(b"datagram %d" % attempt, (sys.argv[1], {UDP_PORT}))
    try:
        print(client.recv(65535).decode(), "came back")
        break
    except TimeoutError:
        pass
else:
    sys.exit("no datagram came back")
"""

BULK_SINK = f"""
import socket
listener = socket.create_server(("", {BULK_PORT}))
buffer = bytearray(1 << 20)
while True:
    stream, _ = listener.accept()
    total = 0
    while count := stream.recv_into(buffer):
        total += count
    stream.sendall(b"%d" % total)
    stream.close()
"""

BULK_SOURCE = f"""
import socket, sys, time
for attempt in range(50):
    try:
        stream = socket.create_connection((sys.argv[1], {BULK_PORT}), timeout=5)
        break
    except OSError:
        time.sleep(0.1)
else:
    sys.exit("nothing answered")
block = bytes(1 << 20)
start = time.monotonic()
while time.monotonic() - start < {BULK_SECONDS}:
    stream.sendall(block)
stream.shutdown(socket.SHUT_WR)
total = int(stream.recv(64))
print(f"{{total * 8 / (time.monotonic() - start) / 1e6:.0f}} Mbit/s")
"""

PING = """
import os, socket, struct, sys, time
ping = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
ping.settimeout(1)
times = []
for sequence in range(1, 11):
    sent = time.perf_counter()
    header = struct.pack("!BBHHH", 8, 0, 0, 0, sequence)
    total = sum(struct.unpack("!4H", header))
    ping.sendto(struct.pack("!BBHHH", 8, 0, ~total & 0xFFFF, 0, sequence), (sys.argv[1], 0))
    ping.recv(1024)
    times.append(1000 * (time.perf_counter() - sent))
print(f"{min(times):.2f} ms")
"""


def python() -> str:
    """Finds an interpreter that payloads can run: the system's, else the one that runs this."""
    system = Path("/usr/bin/python3")
    return str(system if system.exists() else Path(sys.executable).resolve())


def command(program: str, *arguments: str) -> tuple[str, ...]:
    """Gives the command line that runs one of the programs above."""
    return (python(), "-I", "-u", "-c", program, *arguments)
