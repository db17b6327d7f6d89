from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_vpn.errors import InvalidInput
from golem_vpn.vpn.addresses import Subnet, parse_address, parse_host_address


@pytest.mark.parametrize(
    ("ip", "mask", "cidr", "shown_mask", "gateway"),
    [
        ("192.168.0.0/24", None, "192.168.0.0/24", "255.255.255.0", "192.168.0.1"),
        ("192.168.0.0", None, "192.168.0.0/24", "255.255.255.0", "192.168.0.1"),
        ("10.0.0.5/24", None, "10.0.0.5/24", "255.255.255.0", "10.0.0.1"),
        ("10.1.0.5", "255.255.0.0", "10.1.0.5/16", "255.255.0.0", "10.1.0.1"),
        ("10.3.0.0/16", "255.255.255.0", "10.3.0.0/16", "255.255.0.0", "10.3.0.1"),
        ("10.3.0.0/16", "rubbish", "10.3.0.0/16", "255.255.0.0", "10.3.0.1"),
        ("10.4.0.0", "255.0.255.0", "10.4.0.0/8", "255.0.0.0", "10.0.0.1"),
        ("10.5.0.0", "0.0.0.0", "10.5.0.0/0", "0.0.0.0", "0.0.0.1"),
        ("10.8.0.1/32", None, "10.8.0.1/32", "255.255.255.255", "10.8.0.1"),
        ("10.8.0.0/31", None, "10.8.0.0/31", "255.255.255.254", "10.8.0.0"),
        ("fd00::/64", None, "fd00::/64", "ffff:ffff:ffff:ffff::", "fd00::1"),
        ("fd00::5/64", "rubbish", "fd00::5/64", "ffff:ffff:ffff:ffff::", "fd00::1"),
        ("fd00::1", None, "fd00::1/128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fd00::1"),
        ("fd00::1", "255.255.255.0", "fd00::1/128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fd00::1"),
        ("::/64", None, "::/64", "ffff:ffff:ffff:ffff::", "::2"),
        ("FD00:0::/127", None, "fd00::/127", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", "fd00::"),
    ],
)
def test_networks_are_read_as_clients_expect(
    ip: str, mask: str | None, cidr: str, shown_mask: str, gateway: str
) -> None:
    subnet = Subnet.parse(ip, mask)
    assert (subnet.cidr, subnet.mask, str(subnet.gateway)) == (cidr, shown_mask, gateway)


def test_a_given_gateway_is_kept_wherever_it_is() -> None:
    assert str(Subnet.parse("10.7.0.0/24", None, "1.2.3.4").gateway) == "1.2.3.4"


def test_the_prefix_has_no_host_bits() -> None:
    assert Subnet.parse("10.0.0.5/24").prefix == "10.0.0.0/24"


@pytest.mark.parametrize(
    ("ip", "mask", "gateway", "message"),
    [
        ("10.0.0.0/33", None, None, "Invalid network IP address: 10.0.0.0/33"),
        ("10.0.0.0/", None, None, "Invalid network IP address: 10.0.0.0/"),
        ("10.0.0.0/255.255.255.0", None, None, "Invalid network IP address: 10.0.0.0/255.255.255.0"),
        ("10.0.0.0/+8", None, None, "Invalid network IP address: 10.0.0.0/+8"),
        ("10.0.0.0/٨", None, None, "Invalid network IP address: 10.0.0.0/٨"),
        ("fd00::/129", None, None, "Invalid network IP address: fd00::/129"),
        ("fe80::1%eth0/64", None, None, "Invalid network IP address: fe80::1%eth0/64"),
        ("10.0.0/24", None, None, "Invalid network IP address: 10.0.0/24"),
        ("", None, None, "Invalid IP address: invalid IP address syntax"),
        ("10.0.0.256", None, None, "Invalid IP address: invalid IP address syntax"),
        ("010.0.0.0", None, None, "Invalid IP address: invalid IP address syntax"),
        ("10.0.0.0", "24", None, "Invalid IP address: invalid IPv4 address syntax"),
        ("10.0.0.0", "", None, "Invalid IP address: invalid IPv4 address syntax"),
        ("10.0.0.0", "ffff::", None, "Invalid IP address: invalid IPv4 address syntax"),
        ("10.0.0.0/24", None, "", "Invalid IP address: invalid IP address syntax"),
        ("224.0.0.0/24", None, None, "IP address not allowed: 224.0.0.0/24"),
        ("ff02::/16", None, None, "IP address not allowed: ff02::/16"),
        ("127.0.0.0/8", None, None, "IP address not allowed: 127.0.0.0/8"),
        ("::1", None, None, "IP address not allowed: ::1/128"),
        ("0.0.0.0/32", None, None, "IP address not allowed: 0.0.0.0/32"),
        ("255.255.255.255/32", None, None, "IP address not allowed: 255.255.255.255/32"),
        ("::ffff:10.0.0.0/120", None, None, "IP address not allowed: ::ffff:a00:0/120"),
    ],
)
def test_other_networks_are_refused(ip: str, mask: str | None, gateway: str | None, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Subnet.parse(ip, mask, gateway)
    assert refused.value.message == message


@pytest.mark.parametrize("text", ["127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1"])
def test_no_node_has_an_address_of_no_host(text: str) -> None:
    with pytest.raises(InvalidInput, match=f"^IP address not allowed: {text}$"):
        Subnet.parse("0.0.0.0/0").parse_node_address(text)


def test_addresses_outside_are_refused() -> None:
    subnet = Subnet.parse("10.0.0.0/24")
    with pytest.raises(InvalidInput, match=r"^Invalid network IP address: 10\.0\.1\.1$"):
        subnet.parse_node_address("10.0.1.1")
    with pytest.raises(InvalidInput, match=r"^Invalid network IP address: fd00::1$"):
        subnet.parse_node_address("fd00::1")
    with pytest.raises(InvalidInput, match=r"^Network not found for IP address: 10\.0\.1\.1$"):
        subnet.parse_owner_address("10.0.1.1")


def test_network_and_broadcast_addresses_are_accepted_as_ever() -> None:
    subnet = Subnet.parse("10.0.0.0/24")
    assert str(subnet.parse_node_address("10.0.0.0")) == "10.0.0.0"
    assert str(subnet.parse_owner_address("10.0.0.255")) == "10.0.0.255"


@pytest.mark.parametrize(
    ("cidr", "taken", "free"),
    [
        ("10.0.0.0/24", [], "10.0.0.1"),
        ("10.0.0.0/24", ["10.0.0.1", "10.0.0.2"], "10.0.0.3"),
        ("10.0.0.0/30", ["10.0.0.1", "10.0.0.2"], None),
        ("10.0.0.0/31", ["10.0.0.0"], "10.0.0.1"),
        ("10.0.0.7/32", [], "10.0.0.7"),
        ("10.0.0.7/32", ["10.0.0.7"], None),
        ("fd00::/64", ["fd00::1"], "fd00::2"),
        ("fd00::/126", ["fd00::1", "fd00::2"], "fd00::3"),
    ],
)
def test_the_first_free_host(cidr: str, taken: list[str], free: str | None) -> None:
    host = Subnet.parse(cidr).first_free_host({ip_address(address) for address in taken})
    assert host == (None if free is None else ip_address(free))


addresses = st.one_of(
    st.text(),
    st.text("0123456789abcdefABCDEF.:/%+- ", max_size=45),
    st.ip_addresses().map(str),
    st.builds(lambda ip, length: f"{ip}/{length}", st.ip_addresses(), st.integers(-1, 130)),
)


@given(addresses, st.none() | addresses, st.none() | addresses)
def test_any_text_is_a_network_or_bad_input(ip: str, mask: str | None, gateway: str | None) -> None:
    try:
        subnet = Subnet.parse(ip, mask, gateway)
    except InvalidInput:
        return
    assert subnet.first_host in subnet.interface.network
    assert not subnet.first_host.is_loopback
    assert ip_network(subnet.prefix) == subnet.interface.network
    assert Subnet.parse(subnet.cidr, None, str(subnet.gateway)) == subnet
    assert subnet.first_free_host(()) == subnet.first_host


@given(addresses)
def test_any_text_is_an_address_or_bad_input(text: str) -> None:
    for parse in (parse_address, parse_host_address, Subnet.parse("10.0.0.0/8").parse_node_address):
        try:
            address = parse(text)
        except InvalidInput:
            continue
        assert ip_address(str(address)) == address
