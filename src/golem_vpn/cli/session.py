"""How a command reaches its daemon: address and key lie in the data folder."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import anyio
import msgspec

from golem_vpn.errors import NotFound
from golem_vpn.sdk.client import Client

Result = TypeVar("Result")


class DaemonFile(msgspec.Struct, frozen=True, rename="camel"):
    """What a daemon writes into `daemon.json` while it runs."""

    api: str
    """`http://host:port`."""
    pid: int
    node_id: str


def daemon_file(data_dir: Path) -> DaemonFile:
    """Reads where the daemon of a data folder listens.

    Raises:
        NotFound: no daemon runs there.
    """
    try:
        return msgspec.json.decode((data_dir / "daemon.json").read_bytes(), type=DaemonFile)
    except FileNotFoundError:
        raise NotFound(
            f"no daemon is running with the data folder {data_dir}; start one with `golem-vpn daemon`, or name its "
            "folder with --data-dir"
        ) from None


def app_key(data_dir: Path) -> str:
    """Reads the command line's own application key."""
    try:
        return (data_dir / "app-key").read_text().strip()
    except FileNotFoundError:
        raise NotFound(f"there is no application key in {data_dir}; a daemon makes one when it starts") from None


def with_client(data_dir: Path, action: Callable[[Client], Awaitable[Result]]) -> Result:
    """Runs an action against the daemon of a data folder."""

    async def session() -> Result:
        async with Client(daemon_file(data_dir).api, app_key(data_dir)) as client:
            return await action(client)

    return anyio.run(session)
