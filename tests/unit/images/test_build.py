from pathlib import Path

import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.images import gvmi
from golem_vpn.images.build import Addition, Plan, build
from golem_vpn.images.squashfs import reader
from golem_vpn.images.tree import File
from tests.unit.images.kit import contents, sample, unpacked


@pytest.fixture
def root(tmp_path: Path) -> Path:
    unpacked(sample(), tmp_path / "root")
    return tmp_path / "root"


def test_from_a_directory(root: Path, tmp_path: Path) -> None:
    build(Plan(source=root, env=("A=b",)), tmp_path / "image")
    with reader.opened(tmp_path / "image") as tree:
        expected = contents(sample())
        assert set(contents(tree)) == set(expected)
        assert contents(tree)["etc/small"] == expected["etc/small"]
    assert gvmi.read(tmp_path / "image").environment == (("A", "b"),)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["image", "root"]


def test_additions(root: Path, tmp_path: Path) -> None:
    (tmp_path / "added" / "deep").mkdir(parents=True)
    (tmp_path / "added" / "deep" / "file").write_text("text")
    additions = (
        Addition.parse(f"{tmp_path}/added:/opt/new"),
        Addition.parse(f"{tmp_path}/added/deep/file:/bin/tool"),
    )
    build(Plan(source=root, additions=additions), tmp_path / "image")
    with reader.opened(tmp_path / "image") as tree:
        assert isinstance(tree.find(b"opt/new/deep/file"), File)
        assert isinstance(tree.find(b"usr/bin/tool"), File)


@pytest.mark.parametrize(
    "plan",
    [
        Plan(),
        Plan(source=Path("/"), programs=("sh",)),
        Plan(source=Path("/no/such/place")),
        Plan(source=Path("/etc/passwd")),
        Plan(programs=("sh",), bare=True, additions=(Addition(Path("/no/such/place"), "/x"),)),
        Plan(programs=("sh",), bare=True, additions=(Addition(Path("/dev/null"), "/x"),)),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        build(plan, tmp_path / "image")
    assert list(tmp_path.iterdir()) == []


def test_an_addition_needs_an_absolute_target() -> None:
    with pytest.raises(InvalidInput, match="absolute"):
        Addition.parse("/etc/hosts:etc/hosts")
