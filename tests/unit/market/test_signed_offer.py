from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.market.signed_offer import DOMAIN, MAX_SIZE, SignedOffer, open_offer, sign_offer
from golem_vpn.net.identity import Identities, Identity
from tests.unit.market.board_kit import make_offer, make_signed


@pytest.fixture
def provider(tmp_path: Path) -> Identity:
    return Identities(tmp_path).default


def test_what_was_signed_is_read_again(provider: Identity) -> None:
    known = make_signed(provider, mem=0.5, caps=["vpn"], none=None)
    assert open_offer(known.signed) == known


def test_any_change_is_noticed(provider: Identity) -> None:
    signed = make_signed(provider, mem=1).signed
    for place in range(0, len(signed.body), 7):
        changed = bytearray(signed.body)
        changed[place] ^= 1
        with pytest.raises(InvalidInput):
            open_offer(SignedOffer(bytes(changed), signed.signature))


def test_only_its_provider_signs_an_offer(provider: Identity) -> None:
    with pytest.raises(InvalidInput, match="the identity that makes it"):
        sign_offer(make_offer("0x" + "b" * 40), provider)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "no id"}, "letters, digits and dashes"),
        ({"created": datetime(2026, 1, 1)}, "zone"),
        ({"expires": datetime(2026, 1, 1)}, "zone"),
        ({"properties": {"a": {"b": 1}}}, "flat"),
        ({"properties": {"a": b"bytes"}}, "no JSON value"),
        ({"constraints": "(a"}, "column"),
    ],
)
def test_its_form_is_checked_on_both_sides(provider: Identity, change: dict[str, Any], message: str) -> None:
    offer = msgspec.structs.replace(make_offer(provider.node_id), **change)
    with pytest.raises(InvalidInput, match=message):
        sign_offer(offer, provider)
    body = msgspec.msgpack.encode(offer)
    with pytest.raises(InvalidInput, match=message):
        open_offer(SignedOffer(body, provider.sign(DOMAIN, body)))


def test_what_is_no_offer_at_all(provider: Identity) -> None:
    body = msgspec.msgpack.encode(["offer"])
    with pytest.raises(InvalidInput, match="malformed"):
        open_offer(SignedOffer(body, provider.sign(DOMAIN, body)))
    with pytest.raises(InvalidInput, match="at most"):
        open_offer(SignedOffer(b"0" * (MAX_SIZE + 1), b""))
