from pathlib import Path

import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.net.endpoint import EVENT_CONNECTED
from golem_vpn.net.greeter import Greeter
from golem_vpn.net.memory import MemoryWire
from golem_vpn.net.relay_address import RelayNames
from golem_vpn.net.wire import Hello
from tests.unit.net.kit import Node, make_node


def greeter_of(node: Node) -> Greeter:
    return Greeter(node.endpoint, node.control.own_record, node.control.book, RelayNames())


def hello_of(node: Node) -> Hello:
    return Hello(node.control.own_record.current().signed)


def test_who_left_longest_ago_is_forgotten_first(
    wire: MemoryWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golem_vpn.net.greeter.MAX_GREETED", 3)
    host, *guests = (make_node(wire, tmp_path, name) for name in ("host", "wanted", "live", "gone", "new", "newer"))
    greeter = greeter_of(host)
    greeter.wanted.add(guests[0].id)
    greeter.handle_event(EVENT_CONNECTED, guests[1].endpoint.endpoint_id)
    for guest in guests:
        greeter.welcome(guest.endpoint.endpoint_id, hello_of(guest))
    remembered = [guest for guest in guests if greeter.node_of(guest.endpoint.endpoint_id) == guest.id]
    assert remembered == [guests[0], guests[1], guests[4]]
    assert host.endpoint.authorized.keys() == {guest.endpoint.endpoint_id for guest in remembered}


def test_a_copy_of_the_own_key_is_not_welcome(wire: MemoryWire, tmp_path: Path) -> None:
    node = make_node(wire, tmp_path, "node")
    with pytest.raises(InvalidInput, match="copied"):
        greeter_of(node).welcome(node.endpoint.endpoint_id, hello_of(node))


def test_a_connection_counts_once_its_node_is_known(wire: MemoryWire, tmp_path: Path) -> None:
    host, guest = make_node(wire, tmp_path, "host"), make_node(wire, tmp_path, "guest")
    greeter = greeter_of(host)
    heard: list[tuple[str, bool]] = []
    greeter.on_presence(lambda node_id, connected: heard.append((node_id, connected)))
    greeter.handle_event(EVENT_CONNECTED, guest.endpoint.endpoint_id)
    assert heard == []
    greeter.welcome(guest.endpoint.endpoint_id, hello_of(guest))
    greeter.handle_event(EVENT_CONNECTED, guest.endpoint.endpoint_id)
    assert heard == [(guest.id, True)]
    greeter.handle_event("disconnected", guest.endpoint.endpoint_id)
    greeter.handle_event("disconnected", b"stranger")
    assert heard == [(guest.id, True), (guest.id, False)]
