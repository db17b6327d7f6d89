"""What `gftp` can do from a terminal."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import anyio
from cyclopts import App, Parameter

from golem_vpn.cli.console import out, show_json, show_rows, waiting
from golem_vpn.cli.gftp.daemon import find_daemon
from golem_vpn.cli.options import PLAIN
from golem_vpn.errors import GolemVpnError
from golem_vpn.sdk.client import Client
from golem_vpn.sdk.models import OfferedFile

Result = TypeVar("Result")

HELP = """Files between this machine and the payloads and nodes of Golem applications.

The daemon carries them: the one that `YAGNA_API_URL` and `YAGNA_APPKEY` name, else that of a data folder. What is
published stays fetchable under its URL until it is closed, also when this program has ended."""

DataDir = Annotated[Path | None, Parameter(show_default=False)]
"""The data folder of the daemon that is meant."""
Json = Annotated[bool, PLAIN]
COLUMNS = {"url": "url", "file": "file"}


class NotClosed(GolemVpnError):
    """`gftp ls` lists what is there to be closed."""


def build() -> App:
    """Puts the commands together."""
    app = App(name="gftp", help=HELP)
    for command in (publish, receive, ls, close, upload, download, server):
        app.command(command)
    return app


def publish(file: Path, /, *more: Path, data_dir: DataDir = None, json: Json = False) -> None:
    """Make files fetchable, and print their URLs.

    Args:
        file: A file; it has to stay as it is until its URL is closed.
        more: Further ones.
    """
    offered = _ask(data_dir, lambda client: client.publish_files([path.absolute() for path in (file, *more)]))
    _show(offered, json)


def receive(file: Path, /, *, data_dir: DataDir = None, json: Json = False) -> None:
    """Print a URL under which another node may hand a file over.

    Args:
        file: Where the file is put when it is whole.
    """
    _show([_ask(data_dir, lambda client: client.receive_file(file.absolute()))], json)


def ls(*, data_dir: DataDir = None, json: Json = False) -> None:
    """List the files that are published, and those that are awaited."""
    show_rows(COLUMNS, _ask(data_dir, lambda client: client.files()), json)


def close(url: str, /, *more: str, data_dir: DataDir = None) -> None:
    """Take URLs back; what is being fetched breaks off.

    Args:
        url: A URL that `publish` or `receive` gave.
        more: Further ones.
    """
    urls = [url, *more]
    statuses = _ask(data_dir, lambda client: client.close_files(urls))
    wrong = [url for url, status in zip(urls, statuses, strict=True) if status != "ok"]
    if wrong:
        raise NotClosed(f"nothing of yours was under {', '.join(wrong)}")


def upload(file: Path, url: str, /, *, data_dir: DataDir = None) -> None:
    """Hand a file over.

    Args:
        file: The file.
        url: The URL that `gftp receive` printed at the other node, or one of a web server that takes PUT.
    """
    _ask(data_dir, lambda client: client.upload_file(file.absolute(), url), "handing the file over")


def download(url: str, file: Path, /, *, data_dir: DataDir = None) -> None:
    """Fetch a file; asked again after a failure, it goes on where it ended.

    Args:
        url: The URL that `gftp publish` printed at the other node, or one of a web server.
        file: Where to put it.
    """
    _ask(data_dir, lambda client: client.download_file(url, file.absolute()), "fetching the file")


def server(*, data_dir: DataDir = None) -> None:
    """Answer JSON-RPC requests, one on each line of the standard input, as SDKs send them.

    The methods are version, publish, receive, close, upload and shutdown. What was published or awaited is closed at
    the end.
    """
    from golem_vpn.cli.gftp.server import serve

    anyio.run(serve, partial(find_daemon, data_dir), sys.stdin.fileno(), sys.stdout.fileno())


def _ask(
    data_dir: Path | None, action: Callable[[Client], Awaitable[Result]], what: str = "waiting for the daemon"
) -> Result:
    async def session() -> Result:
        async with find_daemon(data_dir) as client:
            return await action(client)

    with waiting(what):
        return anyio.run(session)


def _show(offered: Sequence[OfferedFile], as_json: bool) -> None:
    if as_json:
        show_json(offered)
        return
    for file in offered:
        out.print(file.url, markup=False)
