from pathlib import Path

import pytest
from coincurve import PrivateKey

from golem_vpn.errors import ConfigurationError, Conflict, InvalidInput
from golem_vpn.net.identity import (
    Identities,
    Identity,
    endpoint_secret,
    is_node_id,
    node_id_bytes,
    parse_node_id,
    verify,
)

GROUP_ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141


def test_the_node_id_is_the_address_that_ethereum_derives() -> None:
    key = PrivateKey(bytes.fromhex("4646464646464646464646464646464646464646464646464646464646464646"))
    assert Identity("known", key).node_id == "0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f"


def test_the_first_start_makes_a_default_identity_that_stays(tmp_path: Path) -> None:
    first = Identities(tmp_path).default
    assert is_node_id(first.node_id)
    assert Identities(tmp_path).default.node_id == first.node_id


def test_one_daemon_has_several_identities(tmp_path: Path) -> None:
    identities = Identities(tmp_path)
    second = identities.create("second")
    assert second.node_id in identities
    assert {identity.name for identity in Identities(tmp_path)} == {"default", "second"}
    with pytest.raises(Conflict):
        identities.create("second")


@pytest.mark.parametrize("name", ["", ".hidden", "../up", "a/b", "a" * 65, "ü"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    identities = Identities(tmp_path)
    with pytest.raises(InvalidInput):
        identities.create(name)


@pytest.mark.parametrize("text", ["", "zz" * 32, "11" * 31, "00" * 32, "ff" * 32, "é"])
def test_a_damaged_key_file_is_named_but_not_quoted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "default.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match=r"default\.key") as caught:
        Identities(tmp_path)
    assert not text or text not in caught.value.message


def test_a_signature_counts_for_one_signer_domain_and_message(identities: Identities) -> None:
    signer, other = identities.default, identities.create("other")
    signature = signer.sign("letters", b"message")
    assert verify(signer.node_id, "letters", b"message", signature)
    assert not verify(other.node_id, "letters", b"message", signature)
    assert not verify(signer.node_id, "parcels", b"message", signature)
    assert not verify(signer.node_id, "letters", b"massage", signature)


def test_no_flipped_byte_of_a_signature_passes(identities: Identities) -> None:
    signature = identities.default.sign("letters", b"message")
    for position in range(len(signature)):
        tampered = bytearray(signature)
        tampered[position] ^= 0x01
        assert not verify(identities.default.node_id, "letters", b"message", bytes(tampered))
    assert not verify(identities.default.node_id, "letters", b"message", signature[:-1])
    assert not verify(identities.default.node_id, "letters", b"message", b"")


def test_the_mirrored_twin_of_a_signature_does_not_pass(identities: Identities) -> None:
    signature = identities.default.sign("letters", b"message")
    mirrored = GROUP_ORDER - int.from_bytes(signature[32:64])
    twin = signature[:32] + mirrored.to_bytes(32) + bytes([signature[64] ^ 1])
    assert not verify(identities.default.node_id, "letters", b"message", twin)


def test_the_endpoint_key_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "endpoint.key"
    secret = endpoint_secret(path)
    assert len(secret) == 32
    assert endpoint_secret(path) == secret
    path.write_text("short")
    with pytest.raises(ConfigurationError):
        endpoint_secret(path)


def test_node_ids_are_read_in_any_case_and_nothing_else_is() -> None:
    assert parse_node_id("0x" + "AB" * 20) == "0x" + "ab" * 20
    assert node_id_bytes("0x" + "ab" * 20) == b"\xab" * 20
    for text in ("", "ab" * 20, "0x" + "ab" * 19, "0x" + "gg" * 20, "0x" + "ab" * 20 + "\n"):
        with pytest.raises(InvalidInput):
            parse_node_id(text)
    assert not is_node_id("0x" + "AB" * 20)


def test_an_identity_does_not_print_its_key(tmp_path: Path) -> None:
    identity = Identities(tmp_path).default
    assert (tmp_path / "default.key").read_text().strip() not in repr(identity) + str(vars(identity))
