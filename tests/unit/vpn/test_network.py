from datetime import UTC, datetime

import msgspec
import pytest

from golem_vpn.errors import Conflict, InvalidInput
from golem_vpn.store.networks import StoredNetwork, StoredNode
from golem_vpn.vpn.model import NetworkInfo
from golem_vpn.vpn.network import MAX_ADDRESSES, Network

SELF = "0x" + "1" * 40
ALIAS = "0x" + "a" * 40
A = "0x" + "2" * 40
B = "0x" + "3" * 40


def network(*, ip: str = "10.0.0.0/24", addresses: tuple[str, ...] = (), **nodes: str) -> Network:
    ids = {"own": SELF, "alias": ALIAS, "a": A, "b": B}
    stored = StoredNetwork(
        id="e" * 32,
        owner=SELF,
        ip=ip,
        gateway="10.0.0.1",
        created=datetime.now(UTC),
        addresses=addresses,
        nodes=tuple(StoredNode(ids[name], address) for name, listed in nodes.items() for address in listed.split()),
    )
    return Network(stored, {SELF, ALIAS})


def test_clients_see_the_range_as_it_was_given() -> None:
    assert network(ip="10.0.0.5/24").info == NetworkInfo("e" * 32, "10.0.0.5/24", "255.255.255.0", "10.0.0.1")


@pytest.mark.parametrize(
    ("given", "listed", "source"),
    [
        (network(), ["10.0.0.1/24"], "10.0.0.1/24"),
        (network(addresses=("10.0.0.1",)), ["10.0.0.1/24"], "10.0.0.1/24"),
        (network(addresses=("10.0.0.50",)), ["10.0.0.1/24", "10.0.0.50/24"], "10.0.0.50/24"),
        (network(own="10.0.0.1"), ["10.0.0.1/24"], "10.0.0.1/24"),
        (network(a="10.0.0.1"), ["10.0.0.2/24"], "10.0.0.2/24"),
        (network(a="10.0.0.1 10.0.0.2", b="10.0.0.4"), ["10.0.0.3/24"], "10.0.0.3/24"),
        (network(a="10.0.0.1", addresses=("10.0.0.50",)), ["10.0.0.50/24"], "10.0.0.50/24"),
    ],
)
def test_the_owner_has_an_address_from_the_start(given: Network, listed: list[str], source: str) -> None:
    assert list(given.owner_addresses) == listed
    assert given.stack_addresses[0] == source
    assert sorted(given.stack_addresses) == sorted(listed)


def test_a_full_network_leaves_the_owner_none() -> None:
    full = network(ip="10.0.0.0/30", a="10.0.0.1", b="10.0.0.2")
    assert full.owner_addresses == full.stack_addresses == ()
    assert SELF not in full.draft(SELF).members


def test_own_identities_share_the_daemons_addresses() -> None:
    draft = network(addresses=("10.0.0.9",), own="10.0.0.1", alias="10.0.0.7", a="10.0.0.2 10.0.0.3").draft(SELF)
    assert draft.prefixes == ("10.0.0.0/24",)
    assert draft.members == {
        SELF: ("10.0.0.9", "10.0.0.1", "10.0.0.7"),
        A: ("10.0.0.2", "10.0.0.3"),
    }


def test_the_draft_names_the_range_without_host_bits() -> None:
    assert network(ip="10.0.0.5/24").draft(SELF).prefixes == ("10.0.0.0/24",)


def test_the_same_again_is_nothing_new() -> None:
    given = network(a="10.0.0.2", addresses=("10.0.0.9",))
    assert given.claim_for_node(A, "10.0.0.2") is None
    assert given.claim_for_owner("10.0.0.9") is None


def test_a_node_may_have_several_addresses() -> None:
    assert network(a="10.0.0.2").claim_for_node(A, "10.0.0.3") == StoredNode(A, "10.0.0.3")


def test_the_first_host_may_go_to_a_node() -> None:
    assert network().claim_for_node(A, "10.0.0.1") == StoredNode(A, "10.0.0.1")


def test_an_address_has_one_holder() -> None:
    given = network(a="10.0.0.2", addresses=("10.0.0.9",))
    for claimed in ("10.0.0.2", "10.0.0.9"):
        with pytest.raises(Conflict, match=claimed):
            given.claim_for_node(B, claimed)
    with pytest.raises(Conflict, match=r"10\.0\.0\.2"):
        given.claim_for_owner("10.0.0.2")
    assert given.claim_for_node(ALIAS, "10.0.0.9") == StoredNode(ALIAS, "10.0.0.9")


def test_writings_of_one_address_are_one_address() -> None:
    given = network(ip="fd00::/64")
    claim = given.claim_for_node(A, "FD00:0:0::2")
    assert claim == StoredNode(A, "fd00::2")
    taken = Network(msgspec.structs.replace(given.stored, nodes=(claim,)), given.own_ids)
    with pytest.raises(Conflict):
        taken.claim_for_node(B, "fd00:0::2")


def test_a_network_has_as_many_addresses_as_its_members_can_be_told() -> None:
    nodes = tuple(StoredNode(A, f"10.0.{index // 256}.{index % 256}") for index in range(MAX_ADDRESSES))
    empty = network(ip="10.0.0.0/8")
    full = Network(msgspec.structs.replace(empty.stored, nodes=nodes), empty.own_ids)
    assert full.claim_for_node(A, "10.0.0.5") is None
    for claim in (lambda: full.claim_for_node(A, "10.1.0.0"), lambda: full.claim_for_owner("10.1.0.0")):
        with pytest.raises(Conflict, match=str(MAX_ADDRESSES)):
            claim()


def test_addresses_outside_are_refused() -> None:
    with pytest.raises(InvalidInput, match="Invalid network IP address"):
        network().claim_for_node(A, "10.0.1.1")
    with pytest.raises(InvalidInput, match="Network not found for IP address"):
        network().claim_for_owner("10.0.1.1")
