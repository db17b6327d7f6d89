"""What the tests with real namespaces share: a TUN device node, and daemons that are started once for all."""

import os
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from golem_vpn.cli.commands.local import bring_up
from golem_vpn.cli.local_set import ANY_PORT, LocalSet
from golem_vpn.cli.session import app_key, daemon_file
from golem_vpn.descriptors import allow_many_descriptors
from golem_vpn.sdk.client import Client
from tests.net.summary import Summary, print_summary, summary_of

PROVIDERS = 2


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Prints what was measured."""
    print_summary(terminalreporter, config)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leaves to root what needs root."""
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip("only root can name network namespaces, and make interfaces of the machine's")


@pytest.fixture(scope="session")
def summary(pytestconfig: pytest.Config) -> Summary:
    """Takes what a test measures."""
    return summary_of(pytestconfig)


@pytest.fixture(scope="session", autouse=True)
def many_descriptors() -> None:
    """Lets tests hold connections by the thousand, as their daemons do."""
    allow_many_descriptors()


@pytest.fixture(scope="session")
def tun_device_node() -> Iterator[Path]:
    """A TUN device node that everybody may open: the machine's, or one of the test's own where that is closed."""
    node = Path(os.environ.get("GOLEM_VPN_TUN_DEVICE", "/dev/net/tun"))
    if node.exists() and node.stat().st_mode & 0o006 == 0o006:
        yield node
        return
    if os.geteuid() != 0:
        pytest.skip(f"{node} is closed to this user, and only root can make another node")
    # Elsewhere than in /dev, a file system may be mounted without devices.
    with tempfile.TemporaryDirectory(prefix="golem-vpn-test-", dir="/dev") as directory:
        own = Path(directory, "tun")
        os.mknod(own, 0o666 | stat.S_IFCHR, os.makedev(10, 200))
        own.chmod(0o666)
        own.parent.chmod(0o755)
        yield own


@pytest.fixture(autouse=True)
def use_tun_device_node(tun_device_node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets runtimes, and daemons that a test starts, use that node."""
    monkeypatch.setenv("GOLEM_VPN_TUN_DEVICE", str(tun_device_node))


@pytest.fixture(scope="session")
def local_set(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSet]:
    """A requestor and two providers."""
    local = LocalSet(tmp_path_factory.mktemp("local") / "set")
    bring_up(local, PROVIDERS, ANY_PORT)
    yield local
    assert local.down() == 1 + PROVIDERS
    assert not local.data_dir.exists()


@pytest.fixture(scope="session")
def user_space_set(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSet]:
    """A requestor whose gate uses TCP/IP in user space, and a provider."""
    local = LocalSet(tmp_path_factory.mktemp("user-space") / "set", ("--user-space-gate",))
    bring_up(local, 1, ANY_PORT)
    yield local
    local.down()


@pytest.fixture
async def client(local_set: LocalSet) -> AsyncIterator[Client]:
    """A client of the requestor."""
    async with Client(daemon_file(local_set.data_dir).api, app_key(local_set.data_dir)) as client:
        yield client
