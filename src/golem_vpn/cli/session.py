"""How a command reaches its daemon: address and key lie in the data folder."""

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TypeVar

import anyio
import msgspec

from golem_vpn.cli.console import waiting
from golem_vpn.config import DaemonFile
from golem_vpn.errors import ConfigurationError, NotFound
from golem_vpn.sdk.client import Client

Result = TypeVar("Result")


class NoDaemon(NotFound):
    """`golem-vpn local up` starts a whole set here, `golem-vpn daemon` one node; `--data-dir` names another folder."""


def daemon_file(data_dir: Path) -> DaemonFile:
    """Reads where the daemon of a data folder listens.

    Raises:
        NoDaemon: no daemon runs there.
        ConfigurationError: the file that says so is damaged.
    """
    file = data_dir / "daemon.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=DaemonFile)
    except FileNotFoundError:
        raise NoDaemon(f"no daemon is running with the data folder {data_dir}") from None
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"{file} is damaged ({error}); a daemon that starts writes it anew") from None


def app_key(data_dir: Path) -> str:
    """Reads the command line's own application key."""
    try:
        return (data_dir / "app-key").read_text().strip()
    except FileNotFoundError:
        raise NoDaemon(f"there is no application key in {data_dir}; a daemon makes one when it starts") from None


def with_client(
    data_dir: Path, action: Callable[[Client], Awaitable[Result]], what: str = "waiting for the daemon"
) -> Result:
    """Runs an action against the daemon of a data folder.

    Args:
        data_dir: The folder.
        action: What to do.
        what: What people see meanwhile; nothing where it is empty.
    """

    async def session() -> Result:
        async with Client(daemon_file(data_dir).api, app_key(data_dir)) as client:
            return await action(client)

    with waiting(what) if what else nullcontext():
        return anyio.run(session)
