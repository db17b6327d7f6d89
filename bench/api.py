"""The market and the API: matching, and the hot routes of a daemon while a thousand long polls are open."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import anyio
from rich.console import Console
from rich.table import Table

from bench.calls import Api, Figures, idle_polls, load
from bench.matching import measure_matching
from bench.report import RESULTS
from golem_vpn.cli.local_set import LocalSet
from golem_vpn.descriptors import allow_many_descriptors
from golem_vpn.sdk.client import ACTIVITY, Client
from golem_vpn.sdk.machine import PayloadMachine

IDLE_POLLS = 1000
CONNECTIONS = 16
NETWORK = "10.98.0.0/24"
MARKET = "/market-api/v1"

Loads = dict[str, dict[str, Figures]]
"""The figures of each route, by what else there is."""


def run_api(console: Console, *, quick: bool) -> Path:
    """Measures all of it, prints it, and gives where it was written."""
    matching = measure_matching()
    allow_many_descriptors()
    with _local_set() as api:
        loads = anyio.run(_measure, api, 1.0 if quick else 5.0)
    for table in (_matching_table(matching), _loads_table(loads)):
        console.print(table)
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / "api.json"
    figures = {route: {state: asdict(it) for state, it in by_state.items()} for route, by_state in loads.items()}
    path.write_text(json.dumps({"matching": matching, "routes": figures}, indent=2) + "\n")
    return path


@contextmanager
def _local_set() -> Iterator[Api]:
    """Runs a requestor and a provider."""
    with tempfile.TemporaryDirectory(prefix="golem-vpn-bench-") as folder:
        data_dir = Path(folder) / "set"
        try:
            _golem_vpn("local", "up", "--providers", "1", "--api", "127.0.0.1:0", "--data-dir", str(data_dir))
            address = json.loads((data_dir / "daemon.json").read_text())["api"]
            pids = tuple(daemon.pid for daemon in LocalSet(data_dir).daemons())
            yield Api(address, (data_dir / "app-key").read_text().strip(), pids)
        finally:
            _golem_vpn("local", "down", "--data-dir", str(data_dir))


async def _measure(api: Api, seconds: float) -> Loads:
    async with Client(api.url, api.app_key) as client:
        network = await client.create_network(NETWORK)
        [provider] = [node.node_id for node in await client.nodes() if "provider" in node.roles]
        machine = await PayloadMachine.create(client, provider, network.id, NETWORK.replace("0/24", "2"))
        await machine.start()
        done = await machine.spawn("/bin/sh", "-c", "echo done")
        await machine.finish(done)
        running = await machine.spawn("/bin/sleep", "3600")
        activity = f"{ACTIVITY}/{machine.activity_id}"
        routes = {
            "state of an activity": f"{activity}/state",
            "agreement": f"{MARKET}/agreements/{machine.agreement_id}",
            "results of a batch": f"{activity}/exec/{done}?timeout=5",
        }
        loads = {"no other connections": await _load_all(api, routes, seconds)}
        async with idle_polls(api, f"{activity}/exec/{running}?timeout=300", IDLE_POLLS):
            await _until_waiting(api)
            loads[f"{IDLE_POLLS:,} idle long polls"] = await _load_all(api, routes, seconds)
        return {route: {state: figures[route] for state, figures in loads.items()} for route in routes}


async def _until_waiting(api: Api) -> None:
    """Waits until the daemon has taken in all idle polls."""
    async with api.connection() as connection:
        with anyio.fail_after(60):
            while True:
                if f"golem_vpn_result_polls {IDLE_POLLS}.0".encode() in await connection.call("/metrics"):
                    return
                await anyio.sleep(0.2)


async def _load_all(api: Api, routes: dict[str, str], seconds: float) -> dict[str, Figures]:
    return {name: await load(api, path, connections=CONNECTIONS, seconds=seconds) for name, path in routes.items()}


def _golem_vpn(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "golem_vpn", *arguments], check=True, capture_output=True, text=True)


def _matching_table(matching: dict[str, tuple[float, float]]) -> Table:
    table = Table("order", title="1,000 offers against 1,000 demands")
    for column in ("seconds", "of that CPU"):
        table.add_column(column, justify="right")
    for order, seconds in matching.items():
        table.add_row(order, *(f"{it:.2f}" for it in seconds))
    return table


def _loads_table(loads: Loads) -> Table:
    table = Table("route", "beside", title=f"the hot routes, {CONNECTIONS} connections")
    for column in ("calls/s", "p50 ms", "p99 ms", "CPU ms"):
        table.add_column(column, justify="right")
    for route, by_state in loads.items():
        for state, figures in by_state.items():
            times = (figures.p50_milliseconds, figures.p99_milliseconds, figures.cpu_milliseconds)
            table.add_row(route, state, f"{figures.calls_per_second:,.0f}", *(f"{time:.1f}" for time in times))
    return table
