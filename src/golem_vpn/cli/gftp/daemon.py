"""Which daemon `gftp` asks."""

import os
from pathlib import Path

from golem_vpn.cli.session import app_key, daemon_file
from golem_vpn.config import DEFAULT_API_PORT, default_data_dir
from golem_vpn.sdk.client import Client

DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_API_PORT}"


def find_daemon(data_dir: Path | None) -> Client:
    """Finds the daemon of a folder, else the one that Golem's variables name, else that of the default folder.

    Raises:
        NoDaemon: no daemon runs in the folder.
        ConfigurationError: the folder's files are damaged.
    """
    key = os.environ.get("YAGNA_APPKEY")
    if data_dir is None and key:
        return Client(os.environ.get("YAGNA_API_URL") or DEFAULT_URL, key)
    folder = data_dir or default_data_dir()
    return Client(daemon_file(folder).api, app_key(folder))
