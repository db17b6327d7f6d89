import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_vpn.errors import ConfigurationError, InvalidInput
from golem_vpn.net.relay_address import RelayOffer
from golem_vpn.net.ticket import PREFIX, Ticket, drop_pending, leave_pending, pending, token_hash

TICKET = Ticket("0x" + "ab" * 20, b"e" * 32, ("127.0.0.1:11500", "[::1]:11500"), b"t" * 16, int(time.time()) + 3600)

ports = st.integers(0, 65_535)
tickets = st.builds(
    Ticket,
    hub=st.binary(min_size=20, max_size=20).map(lambda data: "0x" + data.hex()),
    endpoint_id=st.binary(min_size=32, max_size=32),
    addresses=st.lists(
        st.one_of(
            st.builds("{}:{}".format, st.ip_addresses(v=4), ports),
            st.builds("[{}]:{}".format, st.ip_addresses(v=6), ports),
        ),
        max_size=4,
    ).map(tuple),
    token=st.binary(min_size=16, max_size=16),
    expires_at=st.integers(0, 2**40),
    relays=st.lists(
        st.builds(
            RelayOffer,
            pin=st.binary(min_size=32, max_size=32),
            addresses=st.lists(
                st.builds("{}:{}".format, st.ip_addresses(v=4), st.integers(1, 65_535)),
                min_size=1,
                max_size=2,
            ).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
)


@given(tickets)
def test_a_ticket_survives_its_text(ticket: Ticket) -> None:
    text = str(ticket)
    assert Ticket.parse(text) == ticket
    assert Ticket.parse(f" {text[:30]}\n{text[30:].upper()} ") == ticket


@given(st.data())
def test_no_changed_letter_passes(data: st.DataObject) -> None:
    text = str(TICKET)
    position = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz234567189!").filter(lambda it: it != text[position]))
    with pytest.raises(InvalidInput):
        Ticket.parse(text[:position] + letter + text[position + 1 :])


@pytest.mark.parametrize("text", ["", "hello", PREFIX, str(TICKET)[:-1], str(TICKET) + "a", PREFIX + "a" * 5000, "ü"])
def test_what_is_no_whole_ticket_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="ticket"):
        Ticket.parse(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"hub": "0x12"},
        {"endpoint_id": b""},
        {"token": b""},
        {"addresses": ("a:1",)},
        {"relays": (RelayOffer(b"", ()),)},
    ],
)
def test_a_whole_ticket_of_wrong_form_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        Ticket.parse(str(msgspec.structs.replace(TICKET, **changes)))


def test_an_expired_ticket_says_since_when() -> None:
    TICKET.check_valid()
    with pytest.raises(InvalidInput, match="expired on 2001-09-09"):
        msgspec.structs.replace(TICKET, expires_at=1_000_000_000).check_valid()


def test_a_ticket_waits_for_the_daemon(tmp_path: Path) -> None:
    assert pending(tmp_path) == []
    leave_pending(tmp_path, str(TICKET))
    leave_pending(tmp_path, str(TICKET))
    assert pending(tmp_path) == [TICKET]
    (path,) = (tmp_path / "pending-tickets").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(ConfigurationError):
        pending(tmp_path)
    drop_pending(tmp_path, TICKET)
    drop_pending(tmp_path, TICKET)
    assert pending(tmp_path) == []


def test_a_bad_ticket_is_not_left(tmp_path: Path) -> None:
    for text in ("damaged", str(msgspec.structs.replace(TICKET, expires_at=1))):
        with pytest.raises(InvalidInput):
            leave_pending(tmp_path, text)
    assert not (tmp_path / "pending-tickets").exists()


def test_a_ticket_does_not_print_its_token() -> None:
    assert repr(TICKET) == f"Ticket(hub='{TICKET.hub}')"
    assert TICKET.token not in token_hash(TICKET.token)
