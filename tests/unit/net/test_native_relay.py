"""The files of certificates; what needs the native relay is tested with it."""

from pathlib import Path

import pytest

from golem_vpn.errors import ConfigurationError
from golem_vpn.net.native_relay import FILE, Certificate
from tests.unit.net.relay_certificate import CHAIN, KEY


def test_the_own_certificate_is_read_from_the_data_folder(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.touch(0o600)
    path.write_text(CHAIN + KEY)
    assert Certificate.own(tmp_path, ["golem-vpn"]) == Certificate(CHAIN.encode(), KEY.rstrip().encode())
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="open to other users"):
        Certificate.own(tmp_path, ["golem-vpn"])


@pytest.mark.parametrize("text", ["", CHAIN, KEY, "-----BEGIN CERTIFICATE-----"])
def test_half_a_certificate_is_none(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="damaged"):
        Certificate.parse(text, tmp_path)


def test_a_given_certificate(tmp_path: Path) -> None:
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Certificate.given(chain, key)
    chain.write_text(CHAIN)
    key.write_text(KEY)
    key.chmod(0o640)
    with pytest.raises(ConfigurationError, match="open to other users"):
        Certificate.given(chain, key)
    key.chmod(0o600)
    assert Certificate.given(chain, key) == Certificate(CHAIN.encode(), KEY.strip().encode())
