"""The `gftp` program between real daemons."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from golem_vpn.cli.local_set import LocalSet
from golem_vpn.cli.session import app_key, daemon_file

pytestmark = pytest.mark.network

PROGRAM = [sys.executable, "-c", "from golem_vpn.cli.gftp.main import main; main()"]
CONTENT = os.urandom(5_000_000)


def gftp(*arguments: str | Path, code: int = 0, more: dict[str, str] | None = None) -> str:
    """Runs the program, and gives what it printed."""
    environment = {**os.environ, **(more or {})}
    ended = subprocess.run([*PROGRAM, *arguments], env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == code, ended.stderr
    return (ended.stdout if code == 0 else ended.stderr).strip()


def test_there_and_back(local_set: LocalSet, tmp_path: Path) -> None:
    requestor, provider = local_set.data_dir, local_set.data_dir / "providers" / "1"
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    published = gftp("publish", source, "--data-dir", requestor)
    gftp("download", published, tmp_path / "copy", "--data-dir", provider)
    assert (tmp_path / "copy").read_bytes() == CONTENT
    awaited = gftp("receive", tmp_path / "back", "--data-dir", requestor)
    gftp("upload", tmp_path / "copy", awaited, "--data-dir", provider)
    assert (tmp_path / "back").read_bytes() == CONTENT
    listed = gftp("ls", "--data-dir", requestor)
    assert published in listed
    assert awaited in listed
    gftp("close", published, awaited, "--data-dir", requestor)
    refused = gftp("download", published, tmp_path / "again", "--data-dir", provider, code=1)
    assert "no file is published under this URL" in refused


def test_the_daemon_that_golem_s_variables_name(local_set: LocalSet, tmp_path: Path) -> None:
    daemon = {"YAGNA_API_URL": daemon_file(local_set.data_dir).api, "YAGNA_APPKEY": app_key(local_set.data_dir)}
    url = gftp("receive", tmp_path / "file", more=daemon)
    assert url in gftp("ls", "--json", more=daemon)
    gftp("close", url, more=daemon)


def test_what_an_sdk_says(local_set: LocalSet, tmp_path: Path) -> None:
    requests = (
        '{"jsonrpc":"2.0","method":"version","params":{},"id":1}\n'
        f'{{"jsonrpc":"2.0","method":"receive","params":{{"output_file":"{tmp_path}/x"}},"id":2}}\n'
        '{"jsonrpc":"2.0","method":"shutdown","params":{},"id":3}\n'
    )
    command = [*PROGRAM, "server", "--data-dir", str(local_set.data_dir)]
    ended = subprocess.run(command, input=requests, capture_output=True, text=True, timeout=60, check=True)
    assert ended.stderr == ""
    assert ended.stdout.count('"result"') == 3
    assert gftp("ls", "--json", "--data-dir", local_set.data_dir) == "[]"
