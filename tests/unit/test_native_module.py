"""The native module in a process's life: nothing runs before it is asked for, and nothing is in the way at the end."""

import os
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "src"

COUNT_THREADS = """
import os
import golem_vpn._native
print(len(os.listdir("/proc/self/task")))
"""

EXIT_WHILE_WAITING = """
import asyncio
from golem_vpn._native import Endpoint

async def main():
    server, client = [await Endpoint.bind(key * 32, "127.0.0.1:0") for key in (b"s", b"c")]
    waiting = [server.accept(), server.accept(), client.next_event()]
    requests = [client.request(server.endpoint_id, server.addresses, b"", 20) for _ in range(20)]
    await waiting[0]
    await server.close()

asyncio.run(main())
"""


def run(program: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=30).stdout


def test_an_import_starts_no_thread() -> None:
    assert run(COUNT_THREADS).strip() == "1"


def test_a_process_ends_cleanly_while_much_is_awaited() -> None:
    for _ in range(5):
        run(EXIT_WHILE_WAITING)
