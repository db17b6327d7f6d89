from ipaddress import ip_interface
from pathlib import Path

import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.exeunit.runtimes.base import Deployment, NetworkAddress
from golem_vpn.exeunit.runtimes.layout import WORK, show_host
from golem_vpn.exeunit.runtimes.messages import EmptyRoot, Link, Seal, Share, Show
from golem_vpn.exeunit.runtimes.users import guest

ADDRESS = NetworkAddress("0" * 32, ip_interface("10.0.0.2/24"))


def deployment(work_dir: Path, *hosts: tuple[str, str]) -> Deployment:
    work_dir.mkdir(exist_ok=True)
    return Deployment(activity_id="a", work_dir=work_dir, networks=(ADDRESS,), hosts=hosts)


def test_the_host_is_shown_without_what_is_private(tmp_path: Path) -> None:
    layout = show_host(deployment(tmp_path), "node", guest())
    shown = {step.target for step in layout.steps if isinstance(step, Show | Link)}
    assert isinstance(layout.root, EmptyRoot)
    assert {"/usr", "/etc", "/bin", "/etc/hosts", "/etc/passwd"} <= shown
    assert not {"/root", "/home", "/proc", "/dev", "/run", "/tmp", "/var"} & shown
    assert layout.steps[-1] == Seal()


def test_the_work_directory_is_the_only_place_that_stays(tmp_path: Path) -> None:
    layout = show_host(deployment(tmp_path), "node", guest())
    assert Share(tmp_path / "work", WORK) in layout.steps
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {"etc", "root", "tmp", "var", "work"}


@pytest.mark.parametrize("name", ["", "two words", "line\nbreak", "#comment"])
def test_names_that_would_change_the_hosts_file_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="hosts"):
        show_host(deployment(tmp_path, (name, "10.0.0.3")), "node", guest())
