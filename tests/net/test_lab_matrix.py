"""Machines at sites of every kind share a network: each pair carries TCP and UDP, over the path that it should."""

import pytest

from tests.lab.expectations import EXPECTED
from tests.lab.matrix import PAIRS, Matrix, observe, text_of
from tests.lab.sites import Kind
from tests.net.summary import Summary

pytestmark = [
    pytest.mark.network,
    pytest.mark.timeout(600),
    pytest.mark.root,
]


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory, summary: Summary) -> Matrix:
    """What all pairs came to, at once."""
    observed = observe(tmp_path_factory.mktemp("nodes"))
    summary("paths between sites", text_of(observed))
    return observed


def test_there_is_an_expectation_for_each_pair() -> None:
    assert EXPECTED.keys() == {frozenset(pair) for pair in PAIRS}


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda kind: kind.name)
def test_a_pair_carries_all_over_the_expected_path(matrix: Matrix, one: Kind, other: Kind) -> None:
    cell = matrix[one, other]
    assert cell.failures == ()
    assert cell.is_as_expected(), f"expected {cell.expected}, there is {cell.path}"
