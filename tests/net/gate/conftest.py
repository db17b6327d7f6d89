"""Runs each test with either TCP/IP stack of the gate."""

import pytest

from golem_vpn.cli.local_set import LocalSet


@pytest.fixture(params=["kernel", "user-space"])
def local_set(request: pytest.FixtureRequest, local_set: LocalSet) -> LocalSet:
    """Daemons of which the requestor's gate uses one stack or the other, in place of those of all tests."""
    if request.param == "kernel":
        return local_set
    other: LocalSet = request.getfixturevalue("user_space_set")
    return other
