from pathlib import Path

import pytest

from golem_vpn.cli.gftp.daemon import DEFAULT_URL, find_daemon
from golem_vpn.cli.gftp.main import main
from golem_vpn.cli.session import NoDaemon


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str]:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    return end.value.code, capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("banana",), ("publish",), ("receive", "a", "b"), ("download", "url")])
def test_wrong_usage(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(capsys, *arguments)
    assert code == 2
    assert "Error" in told


def test_without_a_daemon(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    code, told = run(capsys, "ls", "--data-dir", str(tmp_path))
    assert code == 1
    assert "no daemon is running" in told
    monkeypatch.setenv("YAGNA_APPKEY", "key")
    monkeypatch.setenv("YAGNA_API_URL", "http://127.0.0.1:9")
    code, told = run(capsys, "ls")
    assert code == 1
    assert "No daemon answers at http://127.0.0.1:9" in told


def test_which_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YAGNA_API_URL", raising=False)
    monkeypatch.setenv("YAGNA_APPKEY", "key")
    assert find_daemon(None).url == DEFAULT_URL
    with pytest.raises(NoDaemon):
        find_daemon(tmp_path)
    monkeypatch.delenv("YAGNA_APPKEY")
    monkeypatch.setenv("GOLEM_VPN_DATA_DIR", str(tmp_path))
    with pytest.raises(NoDaemon):
        find_daemon(None)
