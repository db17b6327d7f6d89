import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_vpn.errors import InvalidInput
from golem_vpn.net.relay_address import (
    MAX_RELAY_ADDRESSES,
    RelayNames,
    RelayOffer,
    check_offer,
    is_relay,
    parse_relay,
    relay_text,
)

PIN, OTHER_PIN = b"p" * 32, b"q" * 32

ports = st.integers(1, 65_535)
addresses = st.one_of(
    st.builds("{}:{}".format, st.ip_addresses(v=4), ports),
    st.builds("[{}]:{}".format, st.ip_addresses(v=6), ports),
    st.builds("{}:{}".format, st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z]{2,5})?", fullmatch=True), ports),
)


@given(addresses, st.binary(min_size=32, max_size=32))
def test_a_relay_survives_its_text(address: str, pin: bytes) -> None:
    text = relay_text(address, pin)
    assert is_relay(text)
    assert parse_relay(text) == RelayOffer(pin, (address,))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "127.0.0.1:7464",
        "https://127.0.0.1:7464",
        "https://127.0.0.1:7464#sha256=abc",
        "http://127.0.0.1:7464#sha256=" + "ab" * 32,
        "https://127.0.0.1:7464#sha256=" + "AB" * 32,
        "https://127.0.0.1:7464/path#sha256=" + "ab" * 32,
        "https://user@relay:7464#sha256=" + "ab" * 32,
        "https://127.0.0.1:0#sha256=" + "ab" * 32,
        "https://127.0.0.1:07464#sha256=" + "ab" * 32,
        "https://127.1:7464#sha256=" + "ab" * 32,
        "https://[::0]:7464#sha256=" + "ab" * 32,
        "https://Relay.example:7464#sha256=" + "ab" * 32,
        "https://a b:7464#sha256=" + "ab" * 32,
        "https://-a:7464#sha256=" + "ab" * 32,
        "https://" + "a" * 254 + ":7464#sha256=" + "ab" * 32,
    ],
)
def test_what_is_no_relay_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_relay(text)


@pytest.mark.parametrize(
    "offer",
    [
        RelayOffer(b"short", ("127.0.0.1:7464",)),
        RelayOffer(PIN, ()),
        RelayOffer(PIN, ("127.0.0.1:7464",) * (MAX_RELAY_ADDRESSES + 1)),
        RelayOffer(PIN, ("https://127.0.0.1:7464",)),
    ],
)
def test_an_offer_of_wrong_form_is_refused(offer: RelayOffer) -> None:
    with pytest.raises(InvalidInput):
        check_offer(offer)


def test_a_relay_is_dialled_where_this_node_reaches_it() -> None:
    names = RelayNames()
    inside, outside = relay_text("10.0.0.1:7464", PIN), relay_text("relay.example:443", PIN)
    other = relay_text("relay.example:443", OTHER_PIN)
    assert names.localize([outside, "192.0.2.1:11500"]) == [outside, "192.0.2.1:11500"]
    names.adopt([inside])
    assert names.localize([outside, "192.0.2.1:11500", other, inside]) == [inside, "192.0.2.1:11500", other]
    assert names.dialled(["192.0.2.1:11500", outside]) == ["192.0.2.1:11500", inside]
    names.adopt([])
    assert names.localize([outside]) == [outside]


def test_who_shows_no_address_dials_relays_alone() -> None:
    names, relay = RelayNames(relays_only=True), relay_text("relay.example:443", PIN)
    assert names.dialled(["192.0.2.1:11500", relay]) == [relay]
    assert names.localize(["192.0.2.1:11500", relay]) == ["192.0.2.1:11500", relay]
