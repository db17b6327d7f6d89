from pathlib import Path

import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.images import gvmi
from golem_vpn.images.gvmi import ImageConfig

CONFIG = ImageConfig(env=("PATH=/bin", "EMPTY=", "INHERITED"), working_dir="/srv", entrypoint=("/bin/sh",))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    path.write_bytes(b"hsqs" + bytes(4092))
    return path


def test_a_configuration_is_read_back(image: Path) -> None:
    gvmi.append(image, CONFIG)
    assert gvmi.read(image) == CONFIG
    assert gvmi.read(image).environment == (("PATH", "/bin"), ("EMPTY", ""))


def test_the_form_is_that_of_golems_tools(image: Path) -> None:
    gvmi.append(image, ImageConfig(env=("A=b",), working_dir="/"))
    data = b'{"Env":["A=b"],"WorkingDir":"/"}'
    assert image.read_bytes()[4096:] == bytes.fromhex("67bf3b06") + data + b"00000032"


def test_an_image_without_has_an_empty_one(image: Path) -> None:
    assert gvmi.read(image) == ImageConfig()


@pytest.mark.parametrize("end", [b"99999999", b"00000010", b"\xff" * 8, b"{}00000002"])
def test_what_is_no_configuration_is_not_taken_for_one(end: bytes, image: Path) -> None:
    with image.open("ab") as file:
        file.write(end)
    assert gvmi.read(image) == ImageConfig()


def test_one_of_another_form_is_refused() -> None:
    with pytest.raises(InvalidInput, match="configuration"):
        gvmi.decode(b'{"Env": 7}')
