from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golem_vpn.errors import Conflict, InvalidInput
from golem_vpn.market.constraints import parse
from golem_vpn.market.matching import Entry, Matcher
from tests.unit.market import reference

Step = tuple[str, int, tuple[dict[str, Any], reference.Tree]]

PARTNERS = st.tuples(reference.PROPERTIES, reference.TREES)
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(
        st.sampled_from(["offer", "offer", "demand", "demand", "no offer", "no demand"]), st.integers(0, 7), PARTNERS
    ),
    max_size=30,
)


def fit(one: tuple[dict[str, Any], str], other: tuple[dict[str, Any], str]) -> bool:
    return parse(one[1]).matches(other[0]) and parse(other[1]).matches(one[0])


@settings(max_examples=300)
@given(STEPS)
def test_it_finds_what_the_double_loop_finds(steps: list[Step]) -> None:
    matcher = Matcher()
    offers: dict[str, tuple[dict[str, Any], str]] = {}
    demands: dict[str, tuple[dict[str, Any], str]] = {}
    for kind, number, (properties, tree) in steps:
        id, constraints = str(number), reference.write(tree)
        here, there = (offers, demands) if kind.endswith("offer") else (demands, offers)
        if kind.startswith("no "):
            here.pop(id, None)
            (matcher.remove_offer if here is offers else matcher.remove_demand)(id)
        elif id not in here:
            here[id] = properties, constraints
            found = (matcher.add_offer if here is offers else matcher.add_demand)(id, properties, constraints)
            assert sorted(found) == sorted(other for other, entry in there.items() if fit(here[id], entry))


def test_many_at_once() -> None:
    matcher = Matcher()
    assert matcher.add_offers(Entry(f"offer {n}", {"mem": n}, "(&)") for n in range(100)) == {
        f"offer {n}": [] for n in range(100)
    }
    found = matcher.add_demands(Entry(f"demand {n}", {}, f"(mem>={n})") for n in range(100))
    assert {id: len(offers) for id, offers in found.items()} == {f"demand {n}": 100 - n for n in range(100)}
    assert found["demand 98"] == ["offer 98", "offer 99"]


def test_both_must_agree() -> None:
    matcher = Matcher()
    matcher.add_demand("rich", {"price": 10}, "(mem>=1)")
    matcher.add_demand("poor", {"price": 1}, "(mem>=1)")
    assert matcher.add_offer("large", {"mem": 64}, "(price>=5)") == ["rich"]
    assert matcher.add_offer("small", {"mem": 0.5}, "()") == []


def test_broken_constraints_change_nothing() -> None:
    matcher = Matcher()
    with pytest.raises(InvalidInput, match="column"):
        matcher.add_offer("offer", {}, "(mem")
    assert matcher.add_offer("offer", {}, "()") == []
    with pytest.raises(Conflict):
        matcher.add_offer("offer", {}, "()")
    assert matcher.add_demand("offer", {}, "()") == ["offer"]
