"""Hubs as their operators and members use them, with real daemons."""

import json
from collections.abc import Iterator

import pytest

from tests.net.commands import golem_vpn
from tests.net.nodes import TestNode, nodes_apart

pytestmark = [pytest.mark.network, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[TestNode]]:
    """A hub and two nodes that have not joined it."""
    with nodes_apart(tmp_path_factory.mktemp("hubs"), {"hub": ["--hub"], "alice": [], "bob": []}) as nodes:
        yield nodes


def test_the_operators_commands(three: list[TestNode]) -> None:
    hub, alice, bob = (node.data_dir for node in three)
    ticket = json.loads(golem_vpn(hub, "ticket", "--expires", "2h", "--uses", "1", "--json"))
    assert (ticket["uses"], ticket["used"]) == (1, 0)
    assert golem_vpn(alice, "join", ticket["ticket"]) == "joined  now"
    assert "used up" in golem_vpn(bob, "join", ticket["ticket"], code=1)
    (listed,) = json.loads(golem_vpn(hub, "hub", "tickets", "--json"))
    assert listed == {**ticket, "used": 1, "ticket": None}
    me = golem_vpn(alice, "me")
    (member,) = json.loads(golem_vpn(hub, "hub", "ls", "--json"))
    assert (member["nodeId"], member["online"], member["ticketId"]) == (me, True, ticket["ticketId"])
    assert json.loads(golem_vpn(hub, "hub", "expel", me, "--json"))["revokedTicketId"] == ticket["ticketId"]
    assert golem_vpn(hub, "hub", "tickets", "--json") == "[]"
    assert "expelled" in golem_vpn(alice, "join", golem_vpn(hub, "ticket"), code=1)
    golem_vpn(hub, "hub", "admit", me)
    golem_vpn(alice, "join", golem_vpn(hub, "ticket"))
    assert golem_vpn(alice, "leave").endswith(golem_vpn(hub, "me"))
    assert "not joined" in golem_vpn(alice, "leave", code=1)
    assert golem_vpn(hub, "hub", "ls", "--json") == "[]"
    assert "no hub" in golem_vpn(alice, "hub", "ls", code=1)


def test_tickets_as_people_see_them(three: list[TestNode]) -> None:
    hub = three[0].data_dir
    text, *code = golem_vpn(hub, "ticket", "--qr", "--uses", "3").splitlines()
    assert text.startswith("golemvpn1")
    assert len(code) > 20
    assert any("▄" in line or "█" in line for line in code)
    *_, row = golem_vpn(hub, "hub", "tickets").splitlines()
    golem_vpn(hub, "hub", "revoke", row.split()[0])
    assert "does not know this ticket" in golem_vpn(three[1].data_dir, "join", text, code=1)
