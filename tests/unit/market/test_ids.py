import pytest

from golem_vpn.errors import InvalidInput
from golem_vpn.market.ids import check_key, id_of, initial_key, key_of, new_key, new_subscription_id, role_of
from golem_vpn.store.agreements import Role


def test_both_sides_know_a_proposal_by_one_key() -> None:
    key = new_key()
    for role, letter in ((Role.REQUESTOR, "R"), (Role.PROVIDER, "P")):
        proposal_id = id_of(role, key)
        assert proposal_id == f"{letter}-{key}"
        assert (role_of(proposal_id), key_of(proposal_id)) == (role, key)


def test_a_match_has_the_same_key_every_time() -> None:
    demand_id, offer_id = new_subscription_id(), new_subscription_id()
    assert initial_key(demand_id, offer_id) == initial_key(demand_id, offer_id)
    assert initial_key(demand_id, offer_id) != initial_key(offer_id, demand_id)
    check_key(initial_key(demand_id, offer_id))


@pytest.mark.parametrize("key", ["", "x", "A" * 64, "a" * 63, "a" * 65, "../" + "a" * 61])
def test_keys_that_are_none(key: str) -> None:
    with pytest.raises(InvalidInput, match="64 hex digits"):
        check_key(key)
