import time
from collections.abc import Callable

import pytest

from golem_vpn.net.identity import Identities
from golem_vpn.net.own_record import REFRESH_MILLISECONDS, OwnRecord
from golem_vpn.net.record import open_record

SECOND = 1_000_000_000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def set_to(milliseconds: int) -> None:
        monkeypatch.setattr(time, "time_ns", lambda: milliseconds * 1_000_000)

    return set_to


def own_record(identities: Identities, addresses: list[str], issued_before: int = 0) -> OwnRecord:
    return OwnRecord(
        identities,
        b"e" * 32,
        name="somebody",
        roles=(),
        control_addresses=lambda: addresses,
        packet_addresses=lambda: [],
        issued_before=issued_before,
    )


def test_it_is_signed_anew_only_when_it_says_something_else(identities: Identities) -> None:
    addresses = ["127.0.0.1:1"]
    own = own_record(identities, addresses)
    first = own.current()
    assert open_record(first.signed) == first
    assert own.current() is first
    addresses.append("127.0.0.1:2")
    second = own.current()
    assert second.record.control_addresses == ("127.0.0.1:1", "127.0.0.1:2")
    assert second.record.issued_at > first.record.issued_at
    identities.create("second")
    assert len(open_record(own.current().signed).record.identities) == 2


def test_it_is_signed_anew_every_hour(identities: Identities, clock: Callable[[int], None]) -> None:
    own = own_record(identities, [])
    clock(1_000)
    first = own.current()
    clock(999 + REFRESH_MILLISECONDS)
    assert own.current() is first
    clock(1_000 + REFRESH_MILLISECONDS)
    assert own.current().record.issued_at == 1_000 + REFRESH_MILLISECONDS


def test_it_gets_newer_even_where_the_clock_goes_back(identities: Identities, clock: Callable[[int], None]) -> None:
    clock(1_000)
    assert own_record(identities, [], issued_before=5_000).current().record.issued_at == 5_001


def test_each_start_has_a_boot_id_of_its_own(identities: Identities) -> None:
    boots = {own_record(identities, []).current().record.boot_id for _ in range(2)}
    assert len(boots) == 2
