import os
from ipaddress import ip_interface
from pathlib import Path

import pytest

from golem_vpn.exeunit.runtimes.base import Deployment, NetworkAddress
from golem_vpn.exeunit.runtimes.image import copy_image, layer_image
from golem_vpn.exeunit.runtimes.layout import Layout
from golem_vpn.exeunit.runtimes.messages import Devices, DirectoryRoot, LayeredRoot, Standing, Users
from golem_vpn.exeunit.runtimes.users import PayloadUser

ADDRESS = NetworkAddress("0" * 32, ip_interface("10.0.0.2/24"))
PASSWD = "root:x:0:0::/:/bin/sh\nsomebody:x:1000:1000::/:/bin/sh\n"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A root file system with links as an attacker would set them."""
    image = tmp_path / "image"
    (image / "etc").mkdir(parents=True)
    (image / "etc" / "passwd").write_text(PASSWD)
    (image / "bin").mkdir()
    (image / "bin" / "sh").write_text("program")
    (image / "bin" / "sh").chmod(0o755)
    (image / "proc").symlink_to("/etc")
    (image / "golem").symlink_to(tmp_path)
    os.mkfifo(image / "pipe")
    return image


def owner(standing: Standing) -> PayloadUser:
    """The daemon's own user, who can give nothing away."""
    return PayloadUser(os.geteuid(), os.getegid(), Users("", "", False, standing))


def layered(work_dir: Path, image: Path, standing: Standing = Standing.ROOT) -> tuple[Layout, LayeredRoot]:
    work_dir.mkdir()
    deployment = Deployment(activity_id="a", work_dir=work_dir, networks=(ADDRESS,), hosts=(("peer", "10.0.0.3"),))
    layout = layer_image(deployment, "node", image, owner(standing))
    assert isinstance(layout.root, LayeredRoot)
    return layout, layout.root


def test_an_image_lies_below_the_activitys_names(image: Path, tmp_path: Path) -> None:
    layout, root = layered(tmp_path / "own", image)
    layer, lower = root.lower
    assert lower == image
    assert (layer / "etc" / "hosts").read_text().splitlines()[2:] == ["10.0.0.2 node", "10.0.0.3 peer"]
    assert not (layer / "etc" / "passwd").exists()
    assert (layer / "etc" / "group").read_text().startswith("root:x:0:\n")
    assert all((layer / name).is_dir() for name in ("proc", "golem/work", "mnt"))
    assert (layer / "tmp").stat().st_mode & 0o7777 == 0o1777
    assert not (layer / "bin").exists()
    assert next(step.terminals for step in layout.steps if isinstance(step, Devices)).endswith(",gid=5")


def test_all_users_are_root_where_it_is_the_only_one(image: Path, tmp_path: Path) -> None:
    layout, root = layered(tmp_path / "own", image, Standing.ONLY_ROOT)
    users = (root.lower[0] / "etc" / "passwd").read_text()
    assert users == "root:x:0:0::/:/bin/sh\nsomebody:x:0:0::/:/bin/sh\n"
    assert "gid" not in next(step.terminals for step in layout.steps if isinstance(step, Devices))


def test_an_image_cannot_lend_files_of_the_host(image: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (image / "etc" / "passwd").unlink()
    (image / "etc" / "passwd").symlink_to(tmp_path / "secret")
    _, root = layered(tmp_path / "own", image, Standing.ONLY_ROOT)
    assert "secret" not in (root.lower[0] / "etc" / "passwd").read_text()


def test_a_copy_holds_all_layers(image: Path, tmp_path: Path) -> None:
    layout, root = layered(tmp_path / "own", image)
    deployment = Deployment(activity_id="a", work_dir=tmp_path / "own")
    copied = copy_image(deployment, layout, owner(Standing.ROOT))
    assert isinstance(copied.root, DirectoryRoot)
    whole = copied.root.source
    assert (whole / "bin" / "sh").read_text() == "program"
    assert (whole / "bin" / "sh").stat().st_mode & 0o777 == 0o755
    assert (whole / "etc" / "passwd").read_text() == PASSWD
    assert "peer" in (whole / "etc" / "hosts").read_text()
    assert not (whole / "proc").is_symlink()
    assert not (whole / "golem").is_symlink()
    assert not (whole / "pipe").exists()
    assert (image / "golem").is_symlink()
    assert copied.steps == layout.steps
    assert root.translated is False
