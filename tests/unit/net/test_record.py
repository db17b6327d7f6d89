import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_vpn.errors import InvalidInput
from golem_vpn.net.identity import Identities
from golem_vpn.net.record import (
    MAX_AGE_MILLISECONDS,
    MAX_AHEAD_MILLISECONDS,
    MAX_SIZE,
    Candidate,
    KnownRecord,
    NodeRecord,
    SignedRecord,
    check_fresh,
    open_record,
    sign,
)

RELAY = "https://relay.example:7464#sha256=" + "ab" * 32
NOW = 1_795_000_000_000


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> Identities:
    identities = Identities(tmp_path_factory.mktemp("identities"))
    identities.create("second")
    return identities


def record_of(identities: Identities) -> NodeRecord:
    return NodeRecord(
        node_id=identities.default.node_id,
        name="somebody",
        roles=("provider",),
        endpoint_id=b"e" * 32,
        control_addresses=("127.0.0.1:11500", "[::1]:11500"),
        packet_addresses=(Candidate("127.0.0.1:11501", "interface"),),
        boot_id=b"b" * 16,
        issued_at=NOW,
        identities=(
            identities.default.node_id,
            *(other.node_id for other in identities if other is not identities.default),
        ),
    )


def signed(by: Identities, /, **changes: object) -> KnownRecord:
    return sign(msgspec.structs.replace(record_of(by), **changes), by)


def test_a_record_arrives_as_it_was_signed(identities: Identities) -> None:
    sent = signed(identities)
    received = msgspec.msgpack.decode(msgspec.msgpack.encode(sent.signed), type=SignedRecord)
    assert open_record(received) == sent


@given(data=st.data())
def test_no_flipped_byte_passes(identities: Identities, data: st.DataObject) -> None:
    encoded = bytearray(msgspec.msgpack.encode(signed(identities).signed))
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises((InvalidInput, msgspec.DecodeError)):
        open_record(msgspec.msgpack.decode(bytes(encoded), type=SignedRecord))


def test_every_identity_must_sign(identities: Identities) -> None:
    sent = signed(identities).signed
    for signatures in ((), sent.signatures[:1], sent.signatures[::-1], (*sent.signatures, b"")):
        with pytest.raises(InvalidInput, match="sign"):
            open_record(SignedRecord(sent.body, signatures))


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoint_id": b"short"},
        {"boot_id": b""},
        {"control_addresses": ("example.org:1",)},
        {"packet_addresses": (Candidate("127.0.0.1:70000", "interface"),)},
        {"packet_addresses": (Candidate("127.0.0.1:007", "interface"),)},
        {"packet_addresses": (Candidate("127.0.0.1:\u0661", "interface"),)},
        {"packet_addresses": (Candidate("127.0.0.1:1", "interface"),) * 17},
        {"packet_addresses": (("127.0.0.1:1", "invented"),)},
        {"packet_addresses": (Candidate(RELAY, "interface"),)},
        {"control_addresses": (RELAY + "0",)},
        {"control_addresses": ("https://127.0.0.1:7464",)},
        {"relays": (RELAY,) * 5},
        {"relays": ("127.0.0.1:7464",)},
        {"carrier_id": b"short"},
        {"control_addresses": ("127.0.0.1:1",) * 33},
        {"roles": ("r",) * 9},
        {"roles": ("r" * 65,)},
        {"name": "n" * 65},
        {"identities": ()},
        {"identities": ("0x" + "A" * 40,), "node_id": "0x" + "A" * 40},
        {"name": "n" * MAX_SIZE},
    ],
)
def test_a_record_of_wrong_form_is_refused_though_signed(identities: Identities, changes: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        open_record(signed(identities, **changes).signed)


def test_the_node_id_is_the_first_identity(identities: Identities) -> None:
    record = record_of(identities)
    with pytest.raises(InvalidInput, match="first"):
        open_record(signed(identities, identities=record.identities[::-1]).signed)
    with pytest.raises(InvalidInput, match="once"):
        open_record(signed(identities, identities=(record.node_id, record.node_id)).signed)


def test_a_fresh_record_is_of_today(identities: Identities) -> None:
    record = record_of(identities)
    check_fresh(record, NOW + MAX_AGE_MILLISECONDS)
    check_fresh(record, NOW - MAX_AHEAD_MILLISECONDS)
    with pytest.raises(InvalidInput, match="older"):
        check_fresh(record, NOW + MAX_AGE_MILLISECONDS + 1)
    with pytest.raises(InvalidInput, match="future"):
        check_fresh(record, NOW - MAX_AHEAD_MILLISECONDS - 1)
