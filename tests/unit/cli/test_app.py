import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from golem_vpn.cli.main import main


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A daemon that starts in this process directs its log to an output that ends with the test."""
    yield
    structlog.reset_defaults()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str]:
    """Runs a command in this process, and gives its exit code and what it printed on stderr."""
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    return end.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("banana",),
        ("me", "--banana"),
        ("ticket", "--expires", "soon"),
        ("ticket", "--expires", "4000d"),
        ("ticket", "--uses", "0"),
        ("network", "create"),
        ("local", "up", "--providers", "many"),
        ("local", "up", "--providers", "101"),
        ("local", "up", "--api", "banana"),
        ("daemon", "--api", "banana"),
        ("daemon", "--listen", "localhost:11500"),
        ("daemon", "--upload-limit", "inf"),
        ("daemon", "--upload-limit", "1e30"),
        ("daemon", "--upload-limit", "nan"),
        ("daemon", "--listen", "127.0.0.1:65535"),
        ("daemon", "--name", "x" * 65),
        ("daemon", "--public-address", "example.org:11500"),
        ("daemon", "--public-address", "203.0.113.1:0"),
        ("daemon", "--relay-listen", "relay.example:443"),
        ("daemon", "--relay-bytes-per-second", "0"),
        ("daemon", "--relay-bytes-per-second", "4294967296"),
        ("daemon", "--relay-public-address", "Relay Example:443"),
        ("relay", "--listen", "banana"),
        ("relay", "--public-address", "https://relay.example:443"),
        ("daemon", "--subnet", "a(b"),
        ("connect", "0", "banana", "80"),
        ("connect", "0", "10.0.0.2", "65536"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(capsys, *arguments, "--data-dir", str(tmp_path / "set"))
    assert code == 2
    assert "Error" in told
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("arguments", [("me",), ("local", "status"), ("local", "up"), ("local", "down")])
def test_a_damaged_folder(arguments: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("daemon.json", "local.json"):
        (tmp_path / name).write_text("{")
    code, told = run(capsys, *arguments, "--data-dir", str(tmp_path))
    assert code == 1
    assert f"error: {tmp_path}/" in told
    assert "damaged" in told


@pytest.mark.parametrize("command", [("me",), ("local", "up"), ("local", "status"), ("daemon",)])
def test_a_folder_that_is_none(command: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    code, told = run(capsys, *command, "--data-dir", str(file))
    assert code == 1
    assert told.startswith(f"error: {file}")
    assert "--data-dir" in told


def test_a_damaged_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "golem-vpn.db").write_text("no database")
    code, told = run(capsys, "daemon", "--data-dir", str(tmp_path))
    assert code == 1
    assert "golem-vpn.db cannot be used: file is not a database" in told


def test_a_reader_that_goes_away_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "golem_vpn", "doctor", "--help"]
    ended = subprocess.run(
        command, stdout=writer, stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    )
    os.close(writer)
    assert ended.returncode == 1
    assert ended.stderr == b""
