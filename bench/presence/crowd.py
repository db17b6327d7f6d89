"""The simulated nodes of all worker processes, and what they tell."""

import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio.abc import Process, TaskGroup
from anyio.streams.buffered import BufferedByteReceiveStream

from bench.presence.simulated import make_template

LONGEST_LINE = 1 << 20
CLOSING_SECONDS = 30


class Worker:
    """A process and the ids of its nodes."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.node_ids: list[str] = []

    async def command(self, *words: object) -> None:
        """Tells the process what to do."""
        await self.send(json.dumps(words))

    async def send(self, line: str) -> None:
        """Sends a line."""
        assert self.process.stdin is not None
        await self.process.stdin.send(f"{line}\n".encode())


class Crowd:
    """Notes when what happened at which node."""

    def __init__(self, folder: Path, tasks: TaskGroup) -> None:
        self.workers: list[Worker] = []
        self.joined: dict[str, float] = {}
        self.present: dict[str, float] = {}
        self.applied: defaultdict[str, dict[int, float]] = defaultdict(dict)
        """The versions of the network that each node followed, with the times."""
        self._folder = folder
        self._tasks = tasks

    @property
    def node_ids(self) -> list[str]:
        """All nodes of the processes that run."""
        return [node_id for worker in self.workers for node_id in worker.node_ids]

    async def start(self, counts: list[int], ticket: str) -> None:
        """Starts one process for each count, and waits until the nodes are there, though joined nowhere."""
        template = self._folder / "template.db"
        await make_template(template)
        for number, count in enumerate(counts):
            arguments = [str(self._folder), str(template), f"node-{number}", str(count)]
            command = [sys.executable, "-m", "bench.presence.worker", *arguments]
            worker = Worker(await anyio.open_process(command, stdin=subprocess.PIPE, stderr=None))
            self.workers.append(worker)
            await worker.send(ticket)
            self._tasks.start_soon(self._listen, worker)
        await self.until(lambda: all(worker.node_ids for worker in self.workers), 300)

    async def join(self) -> None:
        """Has all nodes join at once."""
        for worker in self.workers:
            await worker.command("join")

    async def watch_presence(self, absent: list[str], askers: int) -> None:
        """Has some nodes of each process ask until those nodes are away for them."""
        self.present.clear()
        for worker in self.workers:
            await worker.command("presence", absent, askers)

    async def kill(self, worker: Worker) -> None:
        """Ends a process as a power cut would."""
        self.workers.remove(worker)
        worker.process.kill()
        await worker.process.wait()

    async def until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Waits until something is true of what was told.

        Raises:
            TimeoutError: it never was.
        """
        with anyio.fail_after(seconds):
            while not condition():
                await anyio.sleep(0.02)

    async def until_applied(self, version: int, node_ids: list[str], seconds: float) -> list[float]:
        """Waits until nodes follow a version or a newer one, and gives when each began to."""
        await self.until(lambda: all(self.version_of(node_id) >= version for node_id in node_ids), seconds)
        return [min(at for it, at in self.applied[node_id].items() if it >= version) for node_id in node_ids]

    def version_of(self, node_id: str) -> int:
        """Gives the newest version that a node follows."""
        return max(self.applied[node_id], default=0)

    async def _listen(self, worker: Worker) -> None:
        assert worker.process.stdout is not None
        lines = BufferedByteReceiveStream(worker.process.stdout)
        try:
            while True:
                line = await lines.receive_until(b"\n", LONGEST_LINE)
                self._note(worker, *json.loads(line))
        except (anyio.IncompleteRead, anyio.EndOfStream):
            return

    def _note(self, worker: Worker, event: str, node_id: str, version: int, at: float) -> None:
        if event == "ready":
            worker.node_ids = node_id.split(",")
        elif event == "joined":
            self.joined.setdefault(node_id, at)
        elif event == "applied":
            self.applied[node_id].setdefault(version, at)
        else:
            self.present[node_id] = at


@asynccontextmanager
async def crowd(folder: Path) -> AsyncIterator[Crowd]:
    """Gives an empty crowd, whose processes are ended at last."""
    async with anyio.create_task_group() as tasks:
        nodes = Crowd(folder, tasks)
        try:
            yield nodes
        finally:
            with anyio.CancelScope(shield=True):
                for worker in nodes.workers:
                    assert worker.process.stdin is not None
                    await worker.process.stdin.aclose()
                await _reap(nodes.workers)
            tasks.cancel_scope.cancel()


async def _reap(workers: list[Worker]) -> None:
    deadline = time.monotonic() + CLOSING_SECONDS
    for worker in workers:
        with anyio.move_on_after(max(0.0, deadline - time.monotonic())):
            await worker.process.wait()
        if worker.process.returncode is None:
            worker.process.kill()
            await worker.process.wait()
