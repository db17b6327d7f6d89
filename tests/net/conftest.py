"""What the tests with real namespaces share."""

import os
import stat
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tun_device_node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TUN device node that everybody may open: the machine's, or one of the test's own where that is closed."""
    node = Path(os.environ.get("GOLEM_VPN_TUN_DEVICE", "/dev/net/tun"))
    if node.exists() and os.access(node, os.R_OK | os.W_OK) and node.stat().st_mode & 0o006 == 0o006:
        return node
    if os.geteuid() != 0:
        pytest.skip(f"{node} is closed to this user, and only root can make another node")
    own = tmp_path_factory.mktemp("device") / "tun"
    os.mknod(own, 0o666 | stat.S_IFCHR, os.makedev(10, 200))
    own.chmod(0o666)
    for directory in (own.parent, own.parent.parent):
        directory.chmod(0o755)
    return own


@pytest.fixture(autouse=True)
def use_tun_device_node(tun_device_node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets runtimes, and daemons that a test starts, use that node."""
    monkeypatch.setenv("GOLEM_VPN_TUN_DEVICE", str(tun_device_node))
