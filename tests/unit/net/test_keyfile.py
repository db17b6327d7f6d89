from pathlib import Path

import pytest

from golem_vpn.errors import ConfigurationError
from golem_vpn.net.keyfile import create_secret, read_secret, replace_secret


def test_a_secret_is_its_owners_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "one.key"
    create_secret(path, "text")
    assert read_secret(path) == "text"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_may_open_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "one.key"
    create_secret(path, "hidden")
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600") as caught:
        read_secret(path)
    assert "hidden" not in caught.value.message


def test_creating_never_replaces_and_replacing_does(tmp_path: Path) -> None:
    path = tmp_path / "one.key"
    create_secret(path, "first")
    with pytest.raises(FileExistsError):
        create_secret(path, "second")
    assert read_secret(path) == "first"
    replace_secret(path, "third")
    assert read_secret(path) == "third"
    assert list(tmp_path.iterdir()) == [path]
