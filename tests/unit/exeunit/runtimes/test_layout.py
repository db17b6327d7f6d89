from ipaddress import ip_interface
from pathlib import Path

import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.exeunit.runtimes.base import Deployment, NetworkAddress
from golem_vpn.exeunit.runtimes.layout import MADE, WORK, prepare_layout
from golem_vpn.exeunit.runtimes.messages import EmptyRoot, LayeredRoot, Link, Seal, Share, Show
from golem_vpn.exeunit.runtimes.users import payload_user

ADDRESS = NetworkAddress("0" * 32, ip_interface("10.0.0.2/24"))


def deployment(work_dir: Path, *hosts: tuple[str, str]) -> Deployment:
    work_dir.mkdir(exist_ok=True)
    return Deployment(activity_id="a", work_dir=work_dir, networks=(ADDRESS,), hosts=hosts)


def test_the_host_is_shown_without_what_is_private(tmp_path: Path) -> None:
    layout = prepare_layout(deployment(tmp_path), "node", None, payload_user())
    shown = {step.target for step in layout.steps if isinstance(step, Show | Link)}
    assert isinstance(layout.root, EmptyRoot)
    assert {"/usr", "/etc", "/bin", "/etc/hosts", "/etc/passwd"} <= shown
    assert not {"/root", "/home", "/proc", "/dev", "/run", "/tmp", "/var"} & shown
    assert layout.steps[-1] == Seal()


def test_the_work_directory_is_the_only_place_that_stays(tmp_path: Path) -> None:
    layout = prepare_layout(deployment(tmp_path), "node", None, payload_user())
    assert Share(tmp_path / "work", WORK) in layout.steps
    assert {path.name for path in tmp_path.iterdir()} - set(MADE) == {"work"}


def test_a_package_lies_below_the_own_files(tmp_path: Path) -> None:
    package = tmp_path / "package"
    (package / "etc").mkdir(parents=True)
    (package / "etc" / "passwd").write_text("root:x:0:0::/:/bin/sh\nsomebody:x:1000:1000::/:/bin/sh\n")
    (package / "etc" / "group").write_text("tty:x:5:\nstaff:x:50:\n")
    layout = prepare_layout(deployment(tmp_path / "own", ("peer", "10.0.0.3")), "node", package, payload_user())
    assert isinstance(layout.root, LayeredRoot)
    layer, lower = layout.root.lower
    assert lower == package
    users = (layer / "etc" / "passwd").read_text().splitlines()
    assert users == ["root:x:0:0::/:/bin/sh", "golem:x:1000:1000:payload:/golem/work:/bin/sh"]
    assert (layer / "etc" / "group").read_text() == "staff:x:50:\ngolem:x:1000:\n"
    hosts = (layer / "etc" / "hosts").read_text().splitlines()
    assert hosts[2:] == ["10.0.0.2 node", "10.0.0.3 peer"]


def test_a_package_cannot_lend_files_of_the_host(tmp_path: Path) -> None:
    package = tmp_path / "package"
    (package / "etc").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (package / "etc" / "passwd").symlink_to(tmp_path / "secret")
    layout = prepare_layout(deployment(tmp_path / "own"), "node", package, payload_user())
    assert isinstance(layout.root, LayeredRoot)
    assert "secret" not in (layout.root.lower[0] / "etc" / "passwd").read_text()


@pytest.mark.parametrize("name", ["", "two words", "line\nbreak", "#comment"])
def test_names_that_would_change_the_hosts_file_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="hosts"):
        prepare_layout(deployment(tmp_path, (name, "10.0.0.3")), "node", None, payload_user())
