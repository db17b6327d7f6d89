from pathlib import Path

import pytest

from golem_vpn.cli.net_options import OwnRelay, Packets
from golem_vpn.config import Address, PacketOptions, RelayConfig
from golem_vpn.errors import ConfigurationError

LISTEN = Address("0.0.0.0", 11500)
ANY = Address("127.0.0.1", 0)


def test_a_hub_runs_a_relay_unless_told_otherwise() -> None:
    assert OwnRelay().configuration(True, LISTEN, ()) == RelayConfig(Address("0.0.0.0", 7464))
    assert OwnRelay(relay=False).configuration(True, LISTEN, ()) is None
    assert OwnRelay().configuration(False, LISTEN, ()) is None
    assert OwnRelay(relay=True).configuration(False, LISTEN, ()) is not None


def test_a_daemon_on_any_port_has_its_relay_on_any_port() -> None:
    relay = OwnRelay().configuration(True, ANY, ())
    assert relay is not None
    assert relay.listen == ANY


def test_the_public_host_of_a_daemon_is_that_of_its_relay() -> None:
    public = (Address("203.0.113.1", 11500),)
    relay = OwnRelay(relay_listen="0.0.0.0:443").configuration(True, LISTEN, public)
    assert relay is not None
    assert relay.public_addresses == (Address("203.0.113.1", 443),)
    other = OwnRelay(relay_public_address=("relay.example:8443",)).configuration(True, LISTEN, public)
    assert other is not None
    assert other.public_addresses == (Address("relay.example", 8443),)


def test_nothing_is_left_out_unless_it_is_named() -> None:
    assert Packets().configuration() == PacketOptions()
    asked = Packets("aes-256-gcm", True, 2, upload_limit=100, without=("udp-gso",), rekey_after=5)
    assert asked.configuration() == PacketOptions("aes-256-gcm", True, 2, 12_500_000, ("udp-gso",), 5)


def test_a_certificate_needs_its_key() -> None:
    with pytest.raises(ConfigurationError, match="both or none"):
        OwnRelay(relay_certificate=Path("chain.pem")).configuration(True, LISTEN, ())
