from golem_vpn.net.relay_address import MAX_RELAY_ADDRESSES
from golem_vpn.net.relay_addresses import advertised, dialled


def test_a_relay_at_one_address_is_reached_there() -> None:
    assert advertised("127.0.0.1:7464", (), ["10.0.0.1:11500"]) == ("127.0.0.1:7464",)
    assert dialled("192.0.2.1:7464") == "192.0.2.1:7464"


def test_a_relay_on_all_interfaces_names_global_ones_first() -> None:
    interfaces = ["10.0.0.1:11500", "8.8.8.8:11500", "[2600::1]:11500"]
    expected = ("8.8.8.8:7464", "[2600::1]:7464", "10.0.0.1:7464")
    assert advertised("0.0.0.0:7464", (), interfaces) == expected
    assert dialled("0.0.0.0:7464") == "127.0.0.1:7464"
    assert dialled("[::]:7464") == "[::1]:7464"


def test_what_the_operator_says_comes_first() -> None:
    found = advertised("0.0.0.0:7464", ["relay.example:443"], [f"10.0.0.{number}:11500" for number in range(9)])
    assert found[0] == "relay.example:443"
    assert len(found) == MAX_RELAY_ADDRESSES


def test_a_machine_without_a_network_has_its_relay_for_itself() -> None:
    assert advertised("0.0.0.0:7464", (), []) == ("127.0.0.1:7464",)
