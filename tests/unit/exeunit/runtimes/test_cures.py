import errno
from pathlib import Path

import pytest

from golem_vpn.exeunit.runtimes.cures import cure, explain
from golem_vpn.exeunit.runtimes.messages import Failed


@pytest.mark.parametrize(
    ("part", "code", "words"),
    [
        ("device", errno.ENOENT, "modprobe tun"),
        ("device", errno.EACCES, "chmod 0666"),
        ("device", errno.ENOTTY, "GOLEM_VPN_TUN_DEVICE"),
        ("namespaces", errno.EPERM, "namespaces"),
        ("file-system", errno.EPERM, "/proc"),
        ("file-system", errno.EACCES, "data directory"),
        ("privileges", errno.EPERM, ""),
    ],
)
def test_each_refusal_has_its_cure(part: str, code: int, words: str, tmp_path: Path) -> None:
    node = tmp_path / "tun"
    node.touch(mode=0o600)
    assert words in cure(Failed(part, "it failed", code), node)


def test_the_explanation_starts_with_what_failed(tmp_path: Path) -> None:
    assert explain(Failed("privileges", "it failed", 1), tmp_path) == "it failed"
    assert explain(Failed("device", "it failed", errno.ENOENT), tmp_path).startswith("it failed. As root: modprobe tun")
