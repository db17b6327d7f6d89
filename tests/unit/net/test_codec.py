import msgspec
import pytest

from golem_vpn.net.codec import Malformed, Reader


class Named(msgspec.Struct, frozen=True):
    name: str


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x81\xa4name\x05", b"\x81\xa4name\xa1\xff", b"\x91" * 100_000])
def test_whatever_is_wrong_is_one_error(data: bytes) -> None:
    with pytest.raises(Malformed):
        Reader(Named).read(data)


def test_what_is_right_is_read() -> None:
    assert Reader(Named).read(msgspec.msgpack.encode(Named("it"))) == Named("it")
    with pytest.raises(Malformed):
        Reader(Named).read(msgspec.msgpack.encode(Named("it")) + b"\0")
