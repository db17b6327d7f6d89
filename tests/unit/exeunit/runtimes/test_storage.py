import os
from pathlib import Path

from golem_vpn.exeunit.runtimes.storage import storage_in


def test_each_file_counts_once(tmp_path: Path) -> None:
    before = storage_in([tmp_path])
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "file").write_bytes(b"x" * 1_000_000)
    (tmp_path / "other").hardlink_to(tmp_path / "deep" / "er" / "file")
    (tmp_path / "link").symlink_to("/usr")
    assert 1_000_000 <= storage_in([tmp_path, tmp_path / "missing"]) - before < 1_100_000


def test_sparse_files_count_what_they_take(tmp_path: Path) -> None:
    os.truncate(os.open(tmp_path / "file", os.O_CREAT | os.O_WRONLY), 1 << 30)
    assert storage_in([tmp_path]) < 1_000_000


def test_closed_directories_count_too(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "file").write_bytes(b"x" * 1_000_000)
    closed.chmod(0)
    assert storage_in([tmp_path]) >= 1_000_000
