import string

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_vpn.errors import InvalidInput
from golem_vpn.net.document import (
    MAX_SIZE,
    MemberEntry,
    NetworkDocument,
    SignedDocument,
    open_document,
    sign_document,
)
from golem_vpn.net.identity import Identities, Identity

NODES = tuple(f"0x{number:040x}" for number in range(10))


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return Identities(tmp_path_factory.mktemp("identities")).default


def document_of(owner: Identity, **changes: object) -> NetworkDocument:
    document = NetworkDocument(
        id="a" * 32,
        version=3,
        owner=owner.node_id,
        node=NODES[0],
        prefixes=("10.0.0.0/24", "fd00::/64"),
        members=(MemberEntry(NODES[1], ("10.0.0.1", "fd00::1")), MemberEntry(NODES[2], ("10.0.0.2",))),
        deleted=False,
        issued_at=1_795_000_000_000,
    )
    return msgspec.structs.replace(document, **changes)


members = st.dictionaries(
    st.sampled_from(NODES), st.integers(1, 254).map(lambda host: (f"10.0.0.{host}",)), max_size=8
).filter(lambda entries: len(set(entries.values())) == len(entries))


@given(
    network_id=st.text(string.hexdigits[:16], min_size=32, max_size=32),
    version=st.integers(1, 2**60),
    entries=members,
    deleted=st.booleans(),
)
def test_a_document_arrives_as_it_was_signed(
    owner: Identity, network_id: str, version: int, entries: dict[str, tuple[str, ...]], deleted: bool
) -> None:
    document = document_of(
        owner,
        id=network_id,
        version=version,
        members=tuple(MemberEntry(*entry) for entry in entries.items()),
        deleted=deleted,
    )
    sent = msgspec.msgpack.encode(sign_document(document, owner))
    assert open_document(msgspec.msgpack.decode(sent, type=SignedDocument)) == document


@given(data=st.data())
def test_no_flipped_byte_passes(owner: Identity, data: st.DataObject) -> None:
    encoded = bytearray(msgspec.msgpack.encode(sign_document(document_of(owner), owner)))
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises((InvalidInput, msgspec.DecodeError)):
        open_document(msgspec.msgpack.decode(bytes(encoded), type=SignedDocument))


def test_only_the_owner_signs(owner: Identity, identities: Identities) -> None:
    body = sign_document(document_of(owner), owner).body
    other = identities.default
    for signature in (b"", b"\0" * 65, other.sign("network", body), owner.sign("record", body)):
        with pytest.raises(InvalidInput, match="not signed"):
            open_document(SignedDocument(body, signature))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "A" * 32},
        {"id": ""},
        {"version": 0},
        {"node": "nobody"},
        {"prefixes": ("10.0.0.0/33",)},
        {"prefixes": ("10.0.0.1/24",)},
        {"prefixes": ("10.0.0.0/255.255.255.0", "fd00::/64")},
        {"prefixes": ("10.0.0.0/24", "fd00:0::/64")},
        {"prefixes": ("fe80::/64",), "members": (MemberEntry(NODES[1], ("fe80::1%1",)),)},
        {"prefixes": ("10.0.0.0/24",) * 9},
        {"members": (MemberEntry(NODES[1], ("10.0.1.1",)),)},
        {"members": (MemberEntry(NODES[1], ("text",)),)},
        {"members": (MemberEntry("nobody", ("10.0.0.1",)),)},
        {"members": (MemberEntry(NODES[1], ("10.0.0.1",)), MemberEntry(NODES[2], ("10.0.0.1",)))},
        {"members": (MemberEntry(NODES[1], ("10.0.0.1",)), MemberEntry(NODES[1], ("10.0.0.2",)))},
    ],
)
def test_a_document_that_contradicts_itself_is_neither_signed_nor_read(
    owner: Identity, changes: dict[str, object]
) -> None:
    document = document_of(owner, **changes)
    with pytest.raises(InvalidInput):
        sign_document(document, owner)
    body = msgspec.msgpack.encode(document)
    with pytest.raises(InvalidInput):
        open_document(SignedDocument(body, owner.sign("network", body)))


def test_a_document_has_a_limit(owner: Identity) -> None:
    many = tuple(MemberEntry(f"0x{number:040x}", (f"fd00::{number:x}",)) for number in range(1, 15_000))
    with pytest.raises(InvalidInput, match="more members"):
        sign_document(document_of(owner, members=many), owner)
    with pytest.raises(InvalidInput, match="at most"):
        open_document(SignedDocument(b"\0" * (MAX_SIZE + 1), b""))


def test_who_is_where(owner: Identity) -> None:
    document = document_of(owner)
    assert document.node_ids == {NODES[1], NODES[2]}
    assert document.addresses_of(NODES[1]) == ("10.0.0.1", "fd00::1")
    assert document.addresses_of(NODES[3]) == ()
